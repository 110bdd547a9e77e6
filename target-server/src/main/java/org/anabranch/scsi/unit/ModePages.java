// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.unit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Arrays;
import java.util.HexFormat;
import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.data.BigEndian;
import org.jspecify.annotations.Nullable;

/**
 * The mode pages of one logical unit (SPC-4 7.5, SBC-3 6.5), shared by all nexuses. They are not
 * saved: a reset restores the defaults.
 *
 * <pre>
 *   page                              changeable
 *   08h caching                       WCE
 *   0Ah control                       D_SENSE, SWP, TAS
 *   1Ch informational exceptions      nothing
 * </pre>
 */
public final class ModePages {
  static final int CACHING = 0x08;
  static final int CONTROL = 0x0a;
  static final int INFORMATIONAL_EXCEPTIONS = 0x1c;

  /** One page: its header and body by default, and which bits of it can change. */
  private static final class Page {
    final byte[] defaults;
    final byte[] changeable;

    Page(String defaults, String changeable) {
      HexFormat hex = HexFormat.ofDelimiter(" ");
      this.defaults = hex.parseHex(defaults);
      this.changeable = hex.parseHex(changeable);
    }

    int code() {
      return defaults[0] & 0x3f;
    }
  }

  /** Ascending, as they are returned. */
  private static final Page[] PAGES = {
    // WCE = 1.
    new Page(
        "08 12 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "08 12 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"),
    // TST = 0, QUEUE ALGORITHM MODIFIER = 1 (unrestricted), QERR = 0, BUSY TIMEOUT unlimited.
    new Page("0a 0a 00 10 00 00 00 00 ff ff 00 00", "0a 0a 04 00 08 40 00 00 00 00 00 00"),
    // DEXCPT = 1: nothing is reported.
    new Page("1c 0a 08 00 00 00 00 00 00 00 00 00", "1c 0a 00 00 00 00 00 00 00 00 00 00"),
  };

  private final Object lock = new Object();

  /** The current values, parallel to PAGES. */
  @GuardedBy("lock")
  private final byte[][] current = new byte[PAGES.length][];

  /** Copies of single bits, to be read without the lock; written under lock. */
  private volatile boolean writeCache;

  private volatile boolean descriptorSense;
  private volatile boolean softwareWriteProtect;
  private volatile boolean abortedStatus;

  ModePages() {
    reset();
  }

  /** Back to the defaults. */
  void reset() {
    synchronized (lock) {
      for (int i = 0; i < PAGES.length; i++) {
        current[i] = PAGES[i].defaults.clone();
      }
      publish();
    }
  }

  /** WCE: writes may be in a volatile cache when they end. */
  public boolean isWriteCacheEnabled() {
    return writeCache;
  }

  /** D_SENSE: the format of sense data. */
  Sense.Format senseFormat() {
    return descriptorSense ? Sense.Format.DESCRIPTOR : Sense.Format.FIXED;
  }

  /** SWP: writes are rejected. */
  public boolean isSoftwareWriteProtected() {
    return softwareWriteProtect;
  }

  /** TAS: a task that another nexus aborts ends with TASK ABORTED. */
  boolean reportsAbortedTasks() {
    return abortedStatus;
  }

  @GuardedBy("lock")
  private void publish() {
    writeCache = BigEndian.bit(current[index(CACHING)], 2, 2);
    byte[] control = current[index(CONTROL)];
    descriptorSense = BigEndian.bit(control, 2, 2);
    softwareWriteProtect = BigEndian.bit(control, 4, 3);
    abortedStatus = BigEndian.bit(control, 5, 6);
  }

  /** The supported page codes, ascending. */
  public static int[] codes() {
    return Arrays.stream(PAGES).mapToInt(Page::code).toArray();
  }

  private static int index(int code) {
    for (int i = 0; i < PAGES.length; i++) {
      if (PAGES[i].code() == code) {
        return i;
      }
    }
    return -1;
  }

  /**
   * A page with its header, or null if there is none.
   *
   * @param control PAGE CONTROL: 0 current, 1 changeable, 2 default values
   */
  public byte @Nullable [] page(int code, int control) {
    int i = index(code);
    if (i < 0) {
      return null;
    }
    synchronized (lock) {
      return switch (control) {
        case 0 -> current[i].clone();
        case 1 -> PAGES[i].changeable.clone();
        default -> PAGES[i].defaults.clone();
      };
    }
  }

  /** The byte offset of the first change in a page that is not allowed, or -1 if there is none. */
  public int firstRefused(byte[] page) {
    int i = index(page[0] & 0x3f);
    if (i < 0) {
      return 0;
    }
    if (page.length != PAGES[i].defaults.length) {
      return 1;
    }
    synchronized (lock) {
      for (int at = 2; at < page.length; at++) {
        if (((page[at] ^ current[i][at]) & ~PAGES[i].changeable[at]) != 0) {
          return at;
        }
      }
    }
    return -1;
  }

  /** Sets a page that {@link #firstRefused} has accepted. Returns whether that changed it. */
  public boolean select(byte[] page) {
    int i = index(page[0] & 0x3f);
    synchronized (lock) {
      byte[] before = current[i];
      current[i] = page.clone();
      current[i][0] = before[0];
      publish();
      return !Arrays.equals(before, current[i]);
    }
  }
}
