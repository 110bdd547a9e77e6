// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.function.UnaryOperator;

/**
 * Where the entries of snapshots are kept whose stores other servers reach, too: one text for each
 * volume, which its image carries. Only the server that has the volume can write it.
 */
public interface SharedEntries {
  /** There is no such place. */
  SharedEntries NONE =
      new SharedEntries() {
        @Override
        public String read(String volume) {
          return "";
        }

        @Override
        public String look(String volume) {
          return "";
        }

        @Override
        public void write(String volume, String text) throws RefusedException {
          throw new RefusedException("volume " + volume + ": its image cannot carry snapshots");
        }

        @Override
        public UnaryOperator<String> common(String volume) {
          return UnaryOperator.identity();
        }

        @Override
        public UnaryOperator<String> address(String volume) {
          return UnaryOperator.identity();
        }

        @Override
        public String removal(String volume) {
          return "nothing is to be done";
        }
      };

  /** The text of a volume; empty when there is none. May block. */
  String read(String volume) throws RefusedException;

  /** The same whichever server has the volume. May block. */
  String look(String volume) throws RefusedException;

  /**
   * Writes the text of a volume, durably. May block.
   *
   * @throws RefusedException when it could not be written, such as because another server has the
   *     volume: the old one stays
   */
  void write(String volume, String text) throws RefusedException;

  /** How a store of a volume is named by all servers, which reach it in ways of their own. */
  UnaryOperator<String> common(String volume) throws RefusedException;

  /** The address here of a store that all servers name so. */
  UnaryOperator<String> address(String volume) throws RefusedException;

  /** What an operator does who gives up the text of a volume. */
  String removal(String volume) throws RefusedException;
}
