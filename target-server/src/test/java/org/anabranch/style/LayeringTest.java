// SPDX-License-Identifier: Apache-2.0
package org.anabranch.style;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.Location;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Nothing below imports anything above. Each part's row says all that it may use, from this product
 * and from others; what is not in the row is refused.
 *
 * <pre>
 *   server      may use everything
 *   iscsi       jscsi, scsi, block, naming,    Netty
 *               config
 *   jscsi       scsi, block                    jSCSI, Netty
 *   scsi        block, naming
 *   block
 *   config      naming                         typesafe-config
 *   naming
 *   initiator                                  Netty
 * </pre>
 */
final class LayeringTest {
  /** One part of the product, the packages it may use beside its own and {@link #EVERYWHERE}. */
  enum Part {
    ISCSI(
        "org.anabranch.jscsi..",
        "org.anabranch.scsi..",
        "org.anabranch.block..",
        "org.anabranch.naming..",
        "org.anabranch.config..",
        "io.netty.."),
    JSCSI("org.anabranch.scsi..", "org.anabranch.block..", "org.jscsi..", "io.netty.."),
    SCSI("org.anabranch.block..", "org.anabranch.naming.."),
    BLOCK(),
    CONFIG("org.anabranch.naming..", "com.typesafe.config.."),
    NAMING(),
    INITIATOR("io.netty..");

    @SuppressWarnings("ImmutableEnumChecker") // List.of is immutable
    private final List<String> mayUse;

    Part(String... mayUse) {
      this.mayUse = List.of(mayUse);
    }

    String packages() {
      return "org.anabranch." + name().toLowerCase(Locale.ROOT) + "..";
    }
  }

  private static final String[] EVERYWHERE = {"java..", "javax..", "org.jspecify..", "org.slf4j.."};

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(LayeringTest::isProduct)
          .importPackages("org.anabranch");

  private static boolean isProduct(Location location) {
    return !location.contains("/test-classes/") && !location.contains("-tests.jar");
  }

  @ParameterizedTest
  @EnumSource
  void usesOnlyWhatItMay(Part part) {
    String[] allowed =
        Stream.of(Stream.of(part.packages()), Stream.of(EVERYWHERE), part.mayUse.stream())
            .flatMap(packages -> packages)
            .toArray(String[]::new);
    classes()
        .that(resideInAnyPackage(part.packages()))
        .should()
        .onlyDependOnClassesThat(resideInAnyPackage(allowed))
        .check(CLASSES);
  }

  @Test
  void jscsiStaysInOnePackage() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.anabranch.jscsi..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.jscsi..")
        .check(CLASSES);
  }

  @Test
  void partsFormNoCycle() {
    slices().matching("org.anabranch.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  /** No two packages of the server import each other, not even by way of a third. */
  @Test
  void packagesOfTheServerFormNoCycle() {
    slices()
        .matching("org.anabranch.(**)")
        .should()
        .beFreeOfCycles()
        .check(CLASSES.that(resideInAnyPackage("org.anabranch.server..")));
  }

  @Test
  void everyPartIsSeenAndEveryClassBelongsToOne() {
    Stream<String> parts = Arrays.stream(Part.values()).map(Part::packages);
    String[] known =
        Stream.concat(parts, Stream.of("org.anabranch.server..")).toArray(String[]::new);
    for (String part : known) {
      assertThat(CLASSES.that(resideInAnyPackage(part))).as(part).isNotEmpty();
    }
    classes().should().resideInAnyPackage(known).check(CLASSES);
  }
}
