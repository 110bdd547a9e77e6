// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

/**
 * The PDUs that an initiator sends (RFC 7143 11). They are correct except for CmdSN and ExpStatSN,
 * which their sender sets. Change any field to make one malformed.
 */
public final class Requests {
  /** Command flags: final, read, write. */
  public static final int FINAL = 0x80;

  public static final int READ = 0x40;
  public static final int WRITE = 0x20;

  private Requests() {}

  /**
   * A Login Request.
   *
   * @param flags T, C, CSG and NSG as in byte 1
   */
  public static Pdu login(long isid, int tsih, int tag, int cid, int flags) {
    return new Pdu(Opcode.LOGIN_REQUEST)
        .immediate(true)
        .flags(flags)
        .i64(8, (isid << 16) | tsih)
        .taskTag(tag)
        .u16(20, cid);
  }

  /**
   * A SCSI command; a CDB of more than 16 bytes continues in an additional header segment.
   *
   * @param flags F, R and W; the task attribute is SIMPLE unless set in the low bits
   * @param expectedLength bytes to be transferred
   */
  public static Pdu command(long lun, int tag, byte[] cdb, int flags, int expectedLength) {
    Pdu pdu =
        new Pdu(Opcode.SCSI_COMMAND)
            .flags((flags & 7) == 0 ? flags | 1 : flags)
            .lun(lun)
            .taskTag(tag)
            .i32(20, expectedLength);
    System.arraycopy(cdb, 0, pdu.bhs(), 32, Math.min(16, cdb.length));
    if (cdb.length > 16) {
      byte[] ahs = new byte[(4 + cdb.length - 16 + 3) / 4 * 4];
      ahs[0] = (byte) ((cdb.length - 15) >>> 8);
      ahs[1] = (byte) (cdb.length - 15);
      ahs[2] = 1;
      System.arraycopy(cdb, 16, ahs, 4, cdb.length - 16);
      pdu.ahs(ahs);
    }
    return pdu;
  }

  public static Pdu dataOut(
      long lun, int tag, int transferTag, int dataSn, int offset, boolean isFinal) {
    return new Pdu(Opcode.DATA_OUT)
        .flags(isFinal ? FINAL : 0)
        .lun(lun)
        .taskTag(tag)
        .transferTag(transferTag)
        .dataSn(dataSn)
        .bufferOffset(offset);
  }

  /** A ping: the target answers with the same data. */
  public static Pdu nopOut(int tag) {
    return new Pdu(Opcode.NOP_OUT).flags(FINAL).taskTag(tag).transferTag(Pdu.NO_TAG);
  }

  /** The answer to a ping from the target. */
  public static Pdu nopAnswer(Pdu nopIn) {
    return new Pdu(Opcode.NOP_OUT)
        .immediate(true)
        .flags(FINAL)
        .lun(nopIn.lun())
        .taskTag(Pdu.NO_TAG)
        .transferTag(nopIn.transferTag());
  }

  /** A Text Request; {@code transferTag} is {@link Pdu#NO_TAG} unless it continues an exchange. */
  public static Pdu text(int tag, int transferTag) {
    return new Pdu(Opcode.TEXT_REQUEST).flags(FINAL).taskTag(tag).transferTag(transferTag);
  }

  /**
   * A task management request, for immediate delivery.
   *
   * @param function its number (RFC 7143 11.5.1)
   * @param referencedTag the task to abort, or {@link Pdu#NO_TAG}
   */
  public static Pdu taskManagement(
      int function, long lun, int tag, int referencedTag, int referencedCmdSn) {
    return new Pdu(Opcode.TASK_MANAGEMENT_REQUEST)
        .immediate(true)
        .flags(FINAL | function)
        .lun(lun)
        .taskTag(tag)
        .i32(20, referencedTag)
        .i32(32, referencedCmdSn);
  }

  /**
   * A logout.
   *
   * @param reason 0 closes the session, 1 the connection, 2 removes it for recovery
   */
  public static Pdu logout(int tag, int reason, int cid) {
    return new Pdu(Opcode.LOGOUT_REQUEST)
        .immediate(true)
        .flags(FINAL | reason)
        .taskTag(tag)
        .u16(20, cid);
  }
}
