// SPDX-License-Identifier: Apache-2.0
package org.anabranch.fuzz.coverage;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.anabranch.fuzz.ConfigurationFuzzTest;
import org.anabranch.fuzz.Corpus;
import org.anabranch.fuzz.StateFuzzTest;
import org.anabranch.fuzz.StoreFuzzTest;
import org.anabranch.iscsi.ProtocolFuzzTest;
import org.anabranch.iscsi.login.TextFuzzTest;
import org.anabranch.jscsi.MalformedPduException;
import org.anabranch.scsi.command.CdbFuzzTest;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.RequestFuzzTest;
import org.anabranch.server.exports.StreamFuzzTest;
import org.anabranch.server.hooks.HookFuzzTest;
import org.anabranch.server.imports.ForeignFuzzTest;
import org.anabranch.server.schedule.ScheduleFuzzTest;
import org.anabranch.server.uses.UseFuzzTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The subjects of target-server's fuzz tests under Jazzer, which mutates inputs towards code that
 * no input has reached yet. {@code mvn verify} only replays the corpus; {@code build/fuzz} fuzzes,
 * one test at a time, since Jazzer can only run one in a JVM.
 */
final class CoverageFuzzTest {
  private static final Path CORPUS = Path.of(System.getProperty("fuzz.corpus", "none"));

  private static Stream<byte[]> corpus(String name) throws IOException {
    return new Corpus(CORPUS, name).inputs().values().stream();
  }

  static Stream<byte[]> frames() throws IOException {
    return corpus("frames");
  }

  @MethodSource
  @FuzzTest
  void frames(byte[] input) {
    ProtocolFuzzTest.takeFrames(input);
  }

  static Stream<byte[]> headers() throws IOException {
    return corpus("headers");
  }

  @MethodSource
  @FuzzTest
  void headers(byte[] input) {
    ProtocolFuzzTest.takeHeader(input);
  }

  static Stream<byte[]> text() throws IOException {
    return corpus("text");
  }

  @MethodSource
  @FuzzTest
  void text(byte[] input) throws MalformedPduException {
    TextFuzzTest.take(input);
  }

  static Stream<byte[]> commands() throws IOException {
    return corpus("commands");
  }

  @MethodSource
  @FuzzTest
  void commands(byte[] input) {
    CdbFuzzTest.take(input);
  }

  static Stream<byte[]> stores() throws IOException {
    return corpus("stores");
  }

  @MethodSource
  @FuzzTest
  void stores(byte[] input) {
    StoreFuzzTest.take(input);
  }

  static Stream<byte[]> states() throws IOException {
    return corpus("states");
  }

  @MethodSource
  @FuzzTest
  void states(byte[] input) throws IOException {
    StateFuzzTest.take(input);
  }

  static Stream<byte[]> configurations() throws IOException {
    return corpus("configurations");
  }

  @MethodSource
  @FuzzTest
  void configurations(byte[] input) {
    ConfigurationFuzzTest.take(input);
  }

  static Stream<byte[]> requests() throws IOException {
    return corpus("requests");
  }

  @MethodSource
  @FuzzTest
  void requests(byte[] input) {
    RequestFuzzTest.take(input);
  }

  static Stream<byte[]> streams() throws IOException {
    return corpus("streams");
  }

  @MethodSource
  @FuzzTest
  void streams(byte[] input) throws IOException, RefusedException {
    StreamFuzzTest.take(input);
  }

  static Stream<byte[]> foreign() throws IOException {
    return corpus("foreign");
  }

  @MethodSource
  @FuzzTest
  void foreign(byte[] input) throws IOException {
    ForeignFuzzTest.take(input);
  }

  static Stream<byte[]> uses() throws IOException {
    return corpus("uses");
  }

  @MethodSource
  @FuzzTest
  void uses(byte[] input) throws IOException {
    UseFuzzTest.take(input);
  }

  static Stream<byte[]> schedules() throws IOException {
    return corpus("schedules");
  }

  @MethodSource
  @FuzzTest
  void schedules(byte[] input) throws IOException {
    ScheduleFuzzTest.take(input);
  }

  static Stream<byte[]> hooks() throws IOException {
    return corpus("hooks");
  }

  @MethodSource
  @FuzzTest
  void hooks(byte[] input) throws IOException {
    HookFuzzTest.take(input);
  }
}
