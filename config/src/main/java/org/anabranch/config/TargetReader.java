// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads {@code targets}. */
final class TargetReader {
  private static final String NAME_FORM =
      "an iSCSI name in quotes: iqn.YYYY-MM.reversed.domain:anything, eui. with 16 hexadecimal"
          + " digits, naa. with 16 or 32; at most 223 bytes";
  private static final String LUN_FORM =
      "a volume or device, or volume@snapshot, or { device = ..., read-only = ..., initiators ="
          + " [...] }";

  private final Section targets;
  private final boolean exposed;
  private final Set<String> devices;

  /**
   * @param exposed whether a portal is reachable from other machines
   * @param devices the names of volumes and devices
   */
  TargetReader(Section targets, boolean exposed, Set<String> devices) {
    this.targets = targets;
    this.exposed = exposed;
    this.devices = devices;
  }

  SortedMap<String, TargetConfig> targets() {
    SortedMap<String, TargetConfig> result = new TreeMap<>();
    for (String key : targets.names()) {
      String name = IscsiName.normalise(key);
      if (!IscsiName.isValid(name)) {
        boolean cut = key.equals("iqn") || key.equals("eui") || key.equals("naa");
        targets.problem(
            key, "not an iSCSI name" + (cut ? "; the name must be in quotes" : ""), NAME_FORM);
      } else if (targets.given(key) != null) {
        TargetConfig target = target(name, targets.section(key, Section.empty()));
        if (result.put(name, target) != null) {
          targets.problem(key, "the same name as another target's", "each target once");
        }
      }
    }
    return result;
  }

  private TargetConfig target(String name, Section section) {
    SortedMap<Integer, LunConfig> luns = luns(section);
    List<InitiatorPattern> initiators = section.nonEmptyList("initiators", Form.INITIATOR);
    List<AddressRange> addresses = section.nonEmptyList("addresses", Form.ADDRESSES);
    ChapConfig chap = section.has("chap") ? chap(section.section("chap", Section.empty())) : null;
    boolean open = ConfigurationReader.isTrue(section.optional("open-to-anyone", Form.BOOLEAN));
    boolean anybody = initiators.isEmpty() || initiators.contains(InitiatorPattern.ANY);
    if (exposed && anybody && !section.has("chap") && !open) {
      section.problem(
          "anybody who reaches a portal could log in: neither initiators nor chap",
          "initiators = [...] without \"*\", chap { ... }, or open-to-anyone = true if that is"
              + " what you want; or only loopback portals");
    }
    section.end();
    return new TargetConfig(name, luns, initiators, addresses, chap, open);
  }

  private SortedMap<Integer, LunConfig> luns(Section target) {
    SortedMap<Integer, LunConfig> result = new TreeMap<>();
    if (!target.has("luns")) {
      target.missing("luns", "missing", "luns { 0 = NAME }");
      return result;
    }
    Section luns = target.section("luns", Section.empty());
    for (String key : luns.names()) {
      Integer number =
          key.matches("0|[1-9][0-9]{0,4}") && Integer.parseInt(key) <= LunConfig.MAX_NUMBER
              ? Integer.valueOf(key)
              : null;
      ConfigValue value = luns.given(key);
      if (number == null) {
        luns.problem(key, "not a LUN", "a number from 0 to " + LunConfig.MAX_NUMBER);
      } else if (value instanceof ConfigObject) {
        Section section = luns.section(key, Section.empty());
        String device = section.required("device", reference());
        boolean readOnly = ConfigurationReader.isTrue(section.optional("read-only", Form.BOOLEAN));
        List<InitiatorPattern> initiators = section.nonEmptyList("initiators", Form.INITIATOR);
        section.end();
        if (device != null) {
          checkExists(section, "device", device);
          result.put(number, new LunConfig(number, device, readOnly, initiators));
        }
      } else if (value != null) {
        String device = luns.required(key, reference());
        if (device != null) {
          checkExists(luns, key, device);
          result.put(number, new LunConfig(number, device, false, List.of()));
        }
      }
    }
    return result;
  }

  private static Form<String> reference() {
    return Form.of(
        LUN_FORM,
        text -> {
          String[] parts = text.split("@", -1);
          boolean good = parts.length <= 2;
          for (String part : parts) {
            good &= Form.isName(part);
          }
          return good ? text : null;
        });
  }

  private void checkExists(Section section, String key, String device) {
    int at = device.indexOf('@');
    String name = at < 0 ? device : device.substring(0, at);
    if (!devices.contains(name)) {
      section.problem(
          key,
          "found \""
              + device
              + "\", but there is no volume or device "
              + name
              + Suggestion.didYouMean(name, devices),
          devices.isEmpty()
              ? "none is configured"
              : Problems.printable(String.join(", ", devices.stream().sorted().toList())));
    }
  }

  private static @Nullable ChapConfig chap(Section section) {
    String user = section.required("user", Form.CHAP_USER);
    Secret secret = secret(section);
    Set<ChapDigest> digests = EnumSet.noneOf(ChapDigest.class);
    digests.addAll(section.nonEmptyList("digests", Form.CHAP_DIGEST));
    if (digests.isEmpty()) {
      digests.addAll(List.of(ChapDigest.values()));
    }
    ChapConfig.Mutual mutual = null;
    if (section.has("mutual")) {
      Section inner = section.section("mutual", Section.empty());
      String mutualUser = inner.required("user", Form.CHAP_USER);
      Secret mutualSecret = secret(inner);
      if (Objects.equals(secret, mutualSecret) && secret != null) {
        inner.problem("secret", "the same secret in both directions", "two different ones");
      }
      inner.end();
      if (mutualUser != null && mutualSecret != null) {
        mutual = new ChapConfig.Mutual(mutualUser, mutualSecret);
      }
    }
    section.end();
    return user == null || secret == null ? null : new ChapConfig(user, secret, digests, mutual);
  }

  private static @Nullable Secret secret(Section section) {
    if (section.given("secret") == null) {
      section.missing(
          "secret",
          "missing (if it comes from an environment variable, that one is not set)",
          Form.SECRET.allowed());
      return null;
    }
    return section.required("secret", Form.SECRET);
  }
}
