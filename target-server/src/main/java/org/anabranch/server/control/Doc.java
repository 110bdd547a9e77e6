// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Documents a field of a verb's arguments or result. docs/json.md has the same text. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Doc {
  /** What the field means, in one line. */
  String value();

  /** The field's name, where Java does not allow it as a component's; empty: the component's. */
  String name() default "";

  /** The verb in whose section the fields of this object are listed; empty: listed here. */
  String listedIn() default "";
}
