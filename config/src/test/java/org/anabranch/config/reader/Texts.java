// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.Problem;

/** Configurations as texts, for the tests here. */
final class Texts {
  static final Path BASE = Path.of("/etc/anabranch");

  /** Uses every key there is. */
  static final String GOOD =
      """
      anabranch {
        portals = ["127.0.0.1:3260", { listen = "[::1]:3261", advertise = ["nas.example:1"], group = 2 }]
        state-dir = "/var/lib/anabranch"
        volume-defaults { block-size = 512, physical-block-size = 4096, read-only = no, removable = off, limits { iops = 0, burst = 100 ms } }
        volumes {
          vm1 { path = "/srv/vm1.img", size = 20 GiB }
          vm2 {
            path = vm2.img
            size = 4097s
            physical-block-size = 16384
            read-only = true
            removable = true
          }
          k4 { path = "/srv/k4.img", size = 1.5 GiB, block-size = 4096 }
          old {
            path = "/srv/old.img"
            limits {
              iops = 500, read-iops = 400, write-iops = 300, burst = 2 s
              bytes-per-second = 50 MB, read-bytes-per-second = 40 MB, write-bytes-per-second = 30 MB
            }
          }
        }
        devices {
          raw0 = "0 2097152 linear /srv/x.img 0"
          two = ["0 2048 linear vm1 0", "2048 2048 zero"]
        }
        targets {
          "iqn.2026-11.org.example:VM1" {
            luns { 0 = vm1, 1 = "vm1@before-upgrade", 16383 = raw0 }
            initiators = ["iqn.1993-08.org.debian:*"]
            addresses = ["127.0.0.0/8", "::1"]
            alias = "one disk"
            portal-groups = [1, 2]
            chap {
              user = vm1
              secret = "correct horse 16"
              digests = [sha256, MD5]
              mutual { user = target, secret = "battery staple16" }
            }
          }
          "eui.0123456789abcdef" {
            luns { 0 { device = two, read-only = yes, initiators = "iqn.2026-11.org.example:backup" } }
            open-to-anyone = true
            chap = [
              { user = a, secret = "correct horse 17", initiators = "iqn.2026-11.org.example:a" }
              { user = b, secret = "correct horse 18", initiators = "iqn.2026-11.org.example:b*" }
            ]
          }
        }
        log { format = json, level = warn }
        discovery { chap { user = finder, secret = "correct horse 19" }, idle-timeout = 5 min }
        limits { sessions = 10, connections = 20, silent-connections = 30, connections-per-address = 15, connections-before-login = 5, login-burst = 7, login-rate = 8, sessions-per-initiator = 6, discovery-sessions = 4, unsent = 2 MiB, queue-depth = 32, memory = 64 MiB,
          control-commands = 7, control-waiting = 9 }
        iscsi {
          login-timeout = 5 s
          keepalive-interval = 1 min
          keepalive-timeout = 500000
          send-timeout = 1 h
          max-recv-data-segment-length = 64 KiB
          max-burst-length = 512 KiB
          first-burst-length = 64 KiB
          max-outstanding-r2t = 1
        }
      }
      """;

  private Texts() {}

  static Configuration parse(String text) throws InvalidConfigurationException {
    return ConfigurationFile.parse("test.conf", text, BASE);
  }

  /** A configuration with one volume {@code v}, one target {@code iqn.2026-11.org.example:t}. */
  static String withTarget(String portals, String target) {
    return """
    anabranch {
      portals = %s
      volumes { v { path = "/srv/v.img" } }
      targets { "iqn.2026-11.org.example:t" { luns { 0 = v }, %s } }
    }
    """
        .formatted(portals, target);
  }

  static List<Problem> problems(String text) {
    try {
      Configuration configuration = parse(text);
      assertThat(configuration).as("should have been refused").isNull();
      return List.of();
    } catch (InvalidConfigurationException e) {
      return e.problems();
    }
  }

  /** The only problem of a text. */
  static String problem(String text) {
    List<Problem> problems = problems(text);
    assertThat(problems).hasSize(1);
    return problems.getFirst().toString();
  }
}
