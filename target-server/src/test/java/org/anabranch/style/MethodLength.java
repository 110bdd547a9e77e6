// SPDX-License-Identifier: Apache-2.0
package org.anabranch.style;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/** Finds long methods, with the compiler's own parser. */
final class MethodLength {
  private MethodLength() {}

  /** Methods whose braces enclose more than {@code max} lines, as file, line and name. */
  static List<String> longer(List<Path> files, int max) throws IOException {
    if (files.isEmpty()) {
      return List.of();
    }
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<String> found = new ArrayList<>();
    try (StandardJavaFileManager manager =
        compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null,
                  manager,
                  null,
                  List.of("-proc:none"),
                  null,
                  manager.getJavaFileObjectsFromPaths(files));
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        new TreeScanner<@Nullable Void, @Nullable Void>() {
          @Override
          public @Nullable Void visitMethod(MethodTree method, @Nullable Void nothing) {
            if (method.getBody() != null) {
              long first =
                  unit.getLineMap()
                      .getLineNumber(positions.getStartPosition(unit, method.getBody()));
              long last =
                  unit.getLineMap().getLineNumber(positions.getEndPosition(unit, method.getBody()));
              long lines = last - first + 1;
              if (lines > max) {
                found.add(
                    Path.of(unit.getSourceFile().toUri())
                        + ":"
                        + first
                        + ": "
                        + method.getName()
                        + " has "
                        + lines
                        + " lines, "
                        + max
                        + " is the most");
              }
            }
            return super.visitMethod(method, null);
          }
        }.scan(unit, null);
      }
    }
    return found;
  }
}
