// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import java.util.List;
import java.util.stream.Collectors;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.TargetConfig;
import org.anabranch.naming.InitiatorPattern;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.imports.ImportedConfiguration.ImportedPortal;
import org.jspecify.annotations.Nullable;

/** Writes what was imported as a configuration file of ours. */
public final class ConfigurationWriter {
  private final SecretOutput secrets;
  private final StringBuilder out = new StringBuilder();
  private String indent = "";

  private ConfigurationWriter(SecretOutput secrets) {
    this.secrets = secrets;
  }

  /**
   * The text of a configuration.
   *
   * @param secrets takes the CHAP secrets
   * @throws RefusedException when a secret cannot be written
   */
  public static String write(ImportedConfiguration configuration, SecretOutput secrets)
      throws RefusedException {
    ConfigurationWriter writer = new ConfigurationWriter(secrets);
    writer.configuration(configuration);
    return writer.heading(configuration) + writer.out;
  }

  private String heading(ImportedConfiguration configuration) {
    StringBuilder heading = new StringBuilder();
    heading.append(
        "# Made by anabranch import of %s's %s.\n"
            .formatted(configuration.server(), comment(configuration.source())));
    if (secrets.hasShown()) {
      heading.append("# It has CHAP secrets: keep it in a file with mode 0600.\n");
    }
    if (!configuration.losses().isEmpty()) {
      heading.append("#\n# What differs from there:\n");
      configuration
          .losses()
          .forEach(loss -> heading.append("#   " + comment(loss.toString()) + "\n"));
    }
    return heading.append('\n').toString();
  }

  private static String comment(String text) {
    return text.replaceAll("[\r\n]", " ");
  }

  private void configuration(ImportedConfiguration configuration) throws RefusedException {
    begin("anabranch");
    line(
        "portals = ["
            + configuration.portals().stream()
                .map(ConfigurationWriter::portal)
                .collect(Collectors.joining(", "))
            + "]");
    begin("volumes");
    configuration.volumes().forEach(this::volume);
    end();
    begin("targets");
    for (TargetConfig target : configuration.targets()) {
      target(target);
    }
    end();
    if (!configuration.discovery().isEmpty()) {
      begin("discovery");
      for (ChapConfig user : configuration.discovery()) {
        user("chap", "discovery-", user);
      }
      end();
    }
    end();
  }

  private static String portal(ImportedPortal portal) {
    String address = Hocon.quote(portal.address());
    return portal.group() == 1
        ? address
        : "{ listen = " + address + ", group = " + portal.group() + " }";
  }

  private void volume(ImportedVolume volume) {
    begin(Hocon.word(volume.name()));
    line("path = " + Hocon.quote(volume.path()));
    if (volume.bytes() != null) {
      line("size = " + volume.bytes());
    }
    if (volume.blockSize() != 512) {
      line("block-size = " + volume.blockSize());
    }
    if (volume.physicalBlockSize() != null) {
      line("physical-block-size = " + volume.physicalBlockSize());
    }
    if (volume.readOnly()) {
      line("read-only = true");
    }
    if (volume.removable()) {
      line("removable = true");
    }
    IdentityConfig identity = volume.identity();
    text("serial", identity.serial());
    text("naa", identity.naa());
    text("t10", identity.t10());
    text("vendor", identity.vendor());
    text("product", identity.product());
    text("revision", identity.revision());
    end();
  }

  private void text(String key, @Nullable String value) {
    if (value != null) {
      line(key + " = " + Hocon.quote(value));
    }
  }

  private void target(TargetConfig target) throws RefusedException {
    begin(Hocon.quote(target.name()));
    begin("luns");
    for (LunConfig lun : target.luns().values()) {
      lun(lun);
    }
    end();
    if (!target.access().initiators().isEmpty()) {
      line("initiators = " + patterns(target.access().initiators()));
    }
    if (!target.access().addresses().isEmpty()) {
      line("addresses = " + Hocon.list(target.access().addresses()));
    }
    if (!target.portalGroups().isEmpty()) {
      line("portal-groups = " + target.portalGroups());
    }
    if (target.openToAnyone()) {
      line("open-to-anyone = true");
    }
    if (target.chap().size() == 1) {
      user("chap", target.name() + "-", target.chap().getFirst());
    } else if (!target.chap().isEmpty()) {
      line("chap = [");
      for (ChapConfig user : target.chap()) {
        user("", target.name() + "-", user);
      }
      line("]");
    }
    end();
  }

  private void lun(LunConfig lun) {
    String device = Hocon.word(lun.device());
    if (!lun.readOnly() && lun.initiators().isEmpty()) {
      line(lun.number() + " = " + device);
      return;
    }
    line(
        lun.number()
            + " { device = "
            + device
            + (lun.readOnly() ? ", read-only = true" : "")
            + (lun.initiators().isEmpty() ? "" : ", initiators = " + patterns(lun.initiators()))
            + " }");
  }

  private void user(String key, String owner, ChapConfig user) throws RefusedException {
    begin(key);
    line("user = " + Hocon.quote(user.user()));
    line(secrets.line(owner + user.user(), user.secret()));
    if (!user.initiators().isEmpty()) {
      line("initiators = " + patterns(user.initiators()));
    }
    ChapConfig.Mutual mutual = user.mutual();
    if (mutual != null) {
      begin("mutual");
      line("user = " + Hocon.quote(mutual.user()));
      line(secrets.line(owner + mutual.user() + "-mutual", mutual.secret()));
      end();
    }
    end();
  }

  private static String patterns(List<InitiatorPattern> patterns) {
    return Hocon.list(patterns.stream().map(InitiatorPattern::text).toList());
  }

  private void begin(String key) {
    line(key.isEmpty() ? "{" : key + " {");
    indent += "  ";
  }

  private void end() {
    indent = indent.substring(2);
    line("}");
  }

  private void line(String text) {
    out.append(indent).append(text).append('\n');
  }
}
