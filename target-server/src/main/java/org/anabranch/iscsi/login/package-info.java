// SPDX-License-Identifier: Apache-2.0

/**
 * Login (RFC 7143 6, 12, 13): its requests and stages, the keys, and who is admitted to what. At
 * its end stands an {@link org.anabranch.iscsi.login.AgreedLogin}.
 *
 * <pre>
 *   the stages; a refusal's answer and log line  Login
 *   why one is refused                           LoginNegotiation, ChapAuthentication; at its end
 *                                                Sessions and OpenSession of session
 *   refusals by status, counted                  LoginRefusal
 *   waits after wrong proofs                     ChapDelays
 *   which target, admitted or not                LoginNegotiation, TargetNode, Portal
 *   a key of login or text                       Key (the table), Negotiation, Text
 *   CHAP                                         ChapAuthentication; ChapCredentials, ChapDigest
 *   what was negotiated                          Parameters
 *   limits, and the terms of discovery           IscsiLimits, DiscoveryPolicy
 *   the session that a login leads to            NewSession, made by Admission
 * </pre>
 *
 * A login belongs to its connection's event loop. What it reads of the server may change at any
 * time; {@link org.anabranch.iscsi.login.NewSession#open} checks the target again.
 */
@NullMarked
package org.anabranch.iscsi.login;

import org.jspecify.annotations.NullMarked;
