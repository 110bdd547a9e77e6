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
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
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
 *   iscsi       jscsi, scsi.api, block,        Netty
 *               naming, config
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
        "org.anabranch.scsi.api..",
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

  /** Files of a package, its package-info among them. */
  private static final int MAX_FILES = 26;

  /** Packages that are larger, and why. */
  private static final Map<String, String> LARGE =
      Map.of(
          "org.anabranch.block.dm",
          "a table is a value and text at once, and each form needs the insides of the other",
          "org.anabranch.initiator",
          "one public type for each thing that a test may send or receive",
          "org.anabranch.bench",
          "a tool for developers that is never shipped");

  private static final String[] EVERYWHERE = {
    "java..", "javax..", "org.jspecify..", "org.slf4j..", "com.google.errorprone.annotations.."
  };

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

  /** The packages of scsi, the lowest first, and which of those below each one uses. */
  enum Scsi {
    API(),
    DATA(API),
    RATE(),
    UNIT(API, DATA, RATE),
    DEVICE(API, DATA, UNIT),
    RESERVATION(API, DATA, UNIT),
    COPY(API, DATA, RATE, UNIT, DEVICE),
    COMMAND(API, DATA, RATE, UNIT, DEVICE, RESERVATION, COPY);

    @SuppressWarnings("ImmutableEnumChecker") // List.of is immutable
    private final List<Scsi> mayUse;

    Scsi(Scsi... mayUse) {
      this.mayUse = List.of(mayUse);
    }

    String packages() {
      return "org.anabranch.scsi." + name().toLowerCase(Locale.ROOT) + "..";
    }
  }

  @ParameterizedTest
  @EnumSource
  void scsiUsesOnlyWhatIsBelow(Scsi part) {
    String[] forbidden =
        Arrays.stream(Scsi.values())
            .filter(other -> other != part && !part.mayUse.contains(other))
            .map(Scsi::packages)
            .toArray(String[]::new);
    JavaClasses classes = CLASSES.that(resideInAnyPackage(part.packages()));
    assertThat(classes).isNotEmpty();
    if (forbidden.length > 0) {
      noClasses().should().dependOnClassesThat().resideInAnyPackage(forbidden).check(classes);
    }
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

  /** What keeps a volume's image is the business of one backend, and of the reader. */
  @Test
  void onlyTheirBackendTakesSourcesOfVolumesForFiles() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "org.anabranch.server.storage.file..",
            "org.anabranch.config",
            "org.anabranch.config.reader..")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("org.anabranch.config.source.FileSource")
        .check(CLASSES);
  }

  @Test
  void partsFormNoCycle() {
    slices().matching("org.anabranch.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  /** No two packages use each other, not even by way of a third. */
  @Test
  void packagesFormNoCycle() {
    slices().matching("org.anabranch.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  /** Whoever looks for something in a package reads the list of its files first. */
  @Test
  void packagesAreSmall() throws IOException {
    Path root = Path.of("..").toAbsolutePath().normalize();
    List<String> large = new ArrayList<>();
    for (String module : StyleTest.MODULES) {
      Path sources = root.resolve(module).resolve("src/main/java");
      StyleTest.javaFiles(sources).stream()
          .collect(Collectors.groupingBy(Path::getParent, Collectors.counting()))
          .forEach((folder, count) -> {
            String name = sources.relativize(folder).toString().replace('/', '.');
            if (count > MAX_FILES && !LARGE.containsKey(name)) {
              large.add(name + " has " + count + " files");
            }
          });
    }
    assertThat(large).as("packages of more than " + MAX_FILES + " files").isEmpty();
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
