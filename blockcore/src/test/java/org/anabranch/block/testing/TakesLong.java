// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** A test that takes long. It is skipped unless tools are required: then everything runs. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfSystemProperty(
    named = "anabranch.requireTools",
    matches = "true",
    disabledReason = "takes long: runs with -Danabranch.requireTools=true, as in .ci/run")
public @interface TakesLong {}
