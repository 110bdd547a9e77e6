// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.http.StatusServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The status page in a real browser, where there is one, while a merge is at work. */
final class StatusPageTest {
  @TempDir private Path folder;

  private static String chromium() {
    return Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
        .filter(path -> Files.isExecutable(Path.of(path)))
        .findFirst()
        .orElse("");
  }

  /** The page as it is after some refreshes. */
  private String page(int port, int width) throws Exception {
    Path dom = folder.resolve("dom.html");
    Process browser =
        new ProcessBuilder(
                chromium(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--user-data-dir=" + folder.resolve("browser"),
                "--window-size=" + width + ",1000",
                "--virtual-time-budget=10000",
                "--dump-dom",
                "http://127.0.0.1:" + port + "/")
            .redirectOutput(dom.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertThat(browser.waitFor(2, TimeUnit.MINUTES)).as("the browser ends").isTrue();
    } finally {
      browser.destroyForcibly();
    }
    return Files.readString(dom);
  }

  @Test
  void aMergeIsSeenWhileItIsAtWork() throws Exception {
    Tools.requireThat(!chromium().isEmpty(), "chromium is not installed");
    Site site = new Site(folder);
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    try (Initiator initiator = new Initiator();
        ServerProcess server =
            site.serve(
                """
                http { listen = "127.0.0.1:%d" }
                volumes { vm1 { path = vm1.img, size = 16 MiB }, gone { path = none/gone.img } }
                targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
                """
                    .formatted(port))) {
      Disk disk = Site.Host.logIn(initiator, server, "iqn.2026-11.org.example:vm1").disk(0);
      for (String name : new String[] {"a", "b"}) {
        site.ask("snapshot create", Map.of("volume", "vm1", "name", name, "chunk-sectors", 8));
      }
      for (int i = 0; i < 500; i++) {
        Initiator.await(disk.write(i * 64L, ByteBuffer.allocate(4096)), 30);
      }
      site.ask("snapshot merge", Map.of("name", "vm1@a", "now", true, "throttle", 4096));
      String page = page(port, 1600);
      assertThat(page)
          .contains("Live, every 2 s")
          .contains("@a<span class=\"tag work\">rolling back</span>")
          .containsPattern("Rolled back [^<]+ of [^<]+<")
          .contains("@b<span class=\"tag\">ready</span>")
          .contains("<b>volume gone</b>")
          .contains("What to do: ")
          .contains("LUN 0 of iqn.2026-11.org.example:vm1")
          .contains("iqn.2026-11.org.anabranch:initiator")
          .contains("being rolled back to vm1@a");
      assertThat(page(port, 400)).contains("@a<span class=\"tag work\">rolling back</span>");
      assertThat(server.terminate()).isZero();
    }
  }

  /** What a server or an initiator says becomes text: there is no way to make HTML of it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "//cdn"
      })
  void thePageMakesNoHtmlOfText(String word) throws IOException {
    for (String name : new String[] {"page.js", "page.html"}) {
      try (var in = Objects.requireNonNull(StatusServer.class.getResourceAsStream(name))) {
        assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).doesNotContain(word);
      }
    }
  }
}
