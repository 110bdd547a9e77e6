// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.LastAnswers;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.volumes.VolumeCopy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code volume list}. */
public final class VolumeListVerb implements Verb<Nothing, Nothing, VolumeListVerb.Result> {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeListVerb.class);

  public static final Call<Nothing, Nothing, Result> CALL =
      Call.of(
          "volume list",
          "Lists the volumes, configured or made at run time.",
          Nothing.class,
          Result.class);

  /** All volumes. */
  public record Result(@Doc("by name") List<VolumeEntry> volumes) {}

  private final RunningServer server;

  VolumeListVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Nothing, Nothing, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Result run(Nothing arguments, Caller<Nothing> caller) throws RefusedException {
    return new Result(all(server));
  }

  static List<VolumeEntry> all(RunningServer server) throws RefusedException {
    List<VolumeEntry> volumes = new ArrayList<>();
    Map<String, VolumeImage.Space> spaces = server.imageSpaces().of(spaceQuestions(server));
    for (VolumeConfig volume : server.configuration().volumes().values()) {
      volumes.add(VolumeEntry.of(volume, spaces.get(volume.name()), server));
    }
    for (VolumeCopy copy : server.volumes().copies()) {
      VolumeState made = server.volumes().all().get(copy.volume());
      if (made != null && made.phase() == VolumeState.Phase.MAKING) {
        volumes.add(VolumeEntry.of(made, copy));
      }
    }
    return volumes;
  }

  /** What is asked of the file systems, one of which may hang. */
  private static Map<String, LastAnswers.Question<VolumeImage.Space>> spaceQuestions(
      RunningServer server) {
    Map<String, LastAnswers.Question<VolumeImage.Space>> questions = new HashMap<>();
    for (VolumeConfig volume : server.configuration().volumes().values()) {
      if (server.storage().leftOut().get(volume.name()) == null) {
        questions.put(volume.name(), () -> space(volume, server.storage()));
      }
    }
    return questions;
  }

  /** Not known when the file is gone, which is a warning of its own. */
  private static VolumeImage.@Nullable Space space(VolumeConfig volume, Storage storage) {
    try {
      return storage.backends().image(volume).space();
    } catch (IOException e) {
      LOG.debug("volume {}: its space is not known: {}", volume.name(), e.getMessage());
      return null;
    }
  }
}
