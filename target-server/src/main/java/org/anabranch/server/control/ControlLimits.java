// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

/**
 * How many requests of one user may be at work at the same time.
 *
 * @param commands that end soon
 * @param waiting that wait for something or take long
 */
public record ControlLimits(int commands, int waiting) {}
