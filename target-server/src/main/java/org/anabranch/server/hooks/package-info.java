// SPDX-License-Identifier: Apache-2.0

/**
 * Programs of the administrator that run before and after snapshots are taken and volumes are
 * rolled back.
 *
 * <pre>
 *   which programs run around an operation, and what their failure means   ConfiguredHooks
 *   one operation, from its before to its after                            HookBracket
 *   one run of one program: its time limit, its end                        HookRun, ProcessGroup
 *   what it prints                                                         HookOutput
 *   who runs it                                                            HookUser
 *   operations that were begun when the server died                        BegunOperations
 *   programs of theirs that still run                                      LeftPrograms
 * </pre>
 */
@NullMarked
package org.anabranch.server.hooks;

import org.jspecify.annotations.NullMarked;
