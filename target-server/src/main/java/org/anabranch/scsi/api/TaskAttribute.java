// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

/** Task attributes (SAM-5 8.6). An untagged iSCSI task is {@link #SIMPLE}. */
public enum TaskAttribute {
  SIMPLE,
  ORDERED,
  HEAD_OF_QUEUE,
  ACA
}
