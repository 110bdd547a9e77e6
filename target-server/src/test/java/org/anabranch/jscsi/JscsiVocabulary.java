// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jscsi.target.scsi.IResponseData;
import org.jscsi.target.scsi.lun.LogicalUnitNumber;
import org.jscsi.target.scsi.lun.ReportLunsParameterData;
import org.jscsi.target.scsi.modeSense.CachingModePage;
import org.jscsi.target.scsi.modeSense.InformationExceptionsControlModePage;
import org.jscsi.target.scsi.modeSense.ModePage;
import org.jscsi.target.scsi.readCapacity.ReadCapacity10ParameterData;
import org.jscsi.target.scsi.readCapacity.ReadCapacity16ParameterData;
import org.jscsi.target.scsi.sense.SenseKey;

/** jSCSI's words and bytes for what the SCSI layer says in its own. */
public final class JscsiVocabulary {
  private JscsiVocabulary() {}

  /** Name of a SCSI status. */
  public static String status(byte code) {
    return SCSIStatus.valueOf(code).name();
  }

  /** Code of a sense key; the other way round jSCSI finds none but the first. */
  public static int senseKey(String name) {
    return SenseKey.valueOf(name).getValue();
  }

  /** Of a medium whose last block, and not whose length, is this. */
  public static byte[] readCapacity10(long lastBlock, int blockBytes) {
    return bytes(new ReadCapacity10ParameterData(lastBlock, blockBytes));
  }

  /** The same; jSCSI knows of no provisioning and no physical blocks. */
  public static byte[] readCapacity16(long lastBlock, int blockBytes) {
    return bytes(new ReadCapacity16ParameterData(lastBlock, blockBytes));
  }

  /** A list of LUN fields. */
  public static byte[] reportLuns(long... fields) {
    return bytes(
        new ReportLunsParameterData(
            Arrays.stream(fields)
                .mapToObj(LogicalUnitNumber::new)
                .toArray(LogicalUnitNumber[]::new)));
  }

  /** The caching page with WCE and nothing else. */
  public static byte[] cachingPage() {
    return bytes(
        new CachingModePage(
            false, false, false, false, false, false, true, false, false, 0, 0, 0, 0, 0, 0, false,
            false, false, false, 0, 0));
  }

  /** The page of informational exceptions with DEXCPT and nothing else. */
  public static byte[] informationalExceptionsPage() {
    return bytes(
        new InformationExceptionsControlModePage(
            false, false, false, false, true, false, false, 0, 0, 0));
  }

  private static byte[] bytes(IResponseData data) {
    ByteBuffer buffer = ByteBuffer.allocate(data.size());
    data.serialize(buffer, 0);
    return buffer.array();
  }

  private static byte[] bytes(ModePage page) {
    ByteBuffer buffer = ByteBuffer.allocate(page.size());
    page.serialize(buffer, 0);
    return buffer.array();
  }
}
