// SPDX-License-Identifier: Apache-2.0

import java.io.File;
import java.io.IOException;
import org.jscsi.target.Configuration;
import org.jscsi.target.Target;
import org.jscsi.target.TargetServer;
import org.jscsi.target.storage.SynchronizedRandomAccessStorageModule;

/**
 * Serves a file with jSCSI as it is, for build/bench: PORT TARGET FILE. The size that jSCSI asks
 * for is the number of the last block.
 */
final class StockJscsi {
  private static final class Settings extends Configuration {
    Settings(String[] arguments) throws IOException {
      super("127.0.0.1");
      port = Integer.parseInt(arguments[0]);
      allowSloppyNegotiation = true;
      File file = new File(arguments[2]);
      targets.add(
          new Target(
              arguments[1],
              "",
              new SynchronizedRandomAccessStorageModule(file.length() / 512 - 1, file)));
    }
  }

  public static void main(String[] arguments) throws Exception {
    new TargetServer(new Settings(arguments)).call();
  }
}
