// SPDX-License-Identifier: Apache-2.0
package org.anabranch.bench;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;

/** One picture: bars for ratios at the top, curves on logarithmic axes below. */
final class Plot {
  private static final int WIDTH = 1100;
  private static final int LEFT = 420;
  private static final int RIGHT = 60;
  private static final int BAR = 30;
  private static final int CURVES = 340;
  private static final int MARGIN = 60;
  private static final Color INK = new Color(0x22, 0x2b, 0x33);
  private static final Color PALE = new Color(0xc8, 0xd0, 0xd8);
  private static final Color[] COLOURS = {new Color(0x1f, 0x6f, 0xb4), new Color(0xd9, 0x6b, 0x1e)};

  private final Graphics2D g;

  private Plot(Graphics2D g) {
    this.g = g;
  }

  /**
   * Writes a PNG.
   *
   * @param ratios the ratio of our rate to tgt's, by load; may be empty
   * @param pictures curves, one picture below the other; may be empty
   */
  static void write(Path file, Map<String, Double> ratios, List<Curves> pictures)
      throws IOException {
    int bars = ratios.isEmpty() ? 0 : MARGIN + ratios.size() * BAR;
    int height = MARGIN + bars + pictures.size() * (MARGIN + CURVES + MARGIN);
    BufferedImage image = new BufferedImage(WIDTH, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, WIDTH, height);
    Plot plot = new Plot(g);
    if (!ratios.isEmpty()) {
      plot.bars(MARGIN, ratios);
    }
    int top = MARGIN + bars + MARGIN;
    for (Curves curves : pictures) {
      plot.curves(top, curves);
      top += MARGIN + CURVES + MARGIN;
    }
    g.dispose();
    Files.createDirectories(file.toAbsolutePath().getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  private void text(String text, int x, int y, boolean bold) {
    g.setFont(new Font(Font.SANS_SERIF, bold ? Font.BOLD : Font.PLAIN, 14));
    g.setColor(INK);
    g.drawString(text, x, y);
  }

  private void bars(int top, Map<String, Double> ratios) {
    text("Anabranch's rate, tgt's being 1", LEFT, top - 16, true);
    double most = ratios.values().stream().mapToDouble(r -> r).max().orElse(1);
    double scale = (WIDTH - LEFT - RIGHT) / Math.max(most, 1);
    int y = top;
    for (Map.Entry<String, Double> ratio : ratios.entrySet()) {
      int width = g.getFontMetrics().stringWidth(ratio.getKey());
      text(ratio.getKey(), LEFT - 16 - width, y + BAR / 2 + 5, false);
      g.setColor(COLOURS[0]);
      g.fillRect(LEFT, y + 4, (int) (ratio.getValue() * scale), BAR - 8);
      text(
          Report.number("%.1f", ratio.getValue()),
          LEFT + 6 + (int) (ratio.getValue() * scale),
          y + BAR / 2 + 5,
          false);
      y += BAR;
    }
    g.setColor(INK);
    g.setStroke(new BasicStroke(1));
    g.drawLine(LEFT + (int) scale, top, LEFT + (int) scale, y);
  }

  private void curves(int top, Curves curves) {
    text(curves.title(), LEFT, top - 16, true);
    double most = curves.most();
    double least = Math.log((double) curves.sizes().first());
    double across =
        (WIDTH - LEFT - RIGHT) / Math.max(1, Math.log((double) curves.sizes().last()) - least);
    g.setStroke(new BasicStroke(1));
    for (int i = 0; i <= 4; i++) {
      int y = top + CURVES - i * CURVES / 4;
      g.setColor(PALE);
      g.drawLine(LEFT, y, WIDTH - RIGHT, y);
      text(Report.number(most < 20 ? "%.1f" : "%.0f", most * i / 4), LEFT - 80, y + 5, false);
    }
    int colour = 0;
    int legend = top + 20;
    for (Map.Entry<String, Map<Long, Double>> curve : curves.points().entrySet()) {
      text(curve.getKey(), MARGIN, legend, false);
      g.setColor(COLOURS[colour++ % COLOURS.length]);
      g.fillRect(MARGIN - 30, legend - 10, 20, 8);
      g.setStroke(new BasicStroke(2));
      int lastX = -1;
      int lastY = 0;
      for (Map.Entry<Long, Double> point : curve.getValue().entrySet()) {
        int x = LEFT + (int) ((Math.log((double) point.getKey()) - least) * across);
        int y = top + CURVES - (int) (point.getValue() / most * CURVES);
        g.fillOval(x - 4, y - 4, 8, 8);
        if (lastX >= 0) {
          g.drawLine(lastX, lastY, x, y);
        }
        lastX = x;
        lastY = y;
      }
      legend += 24;
    }
    for (long n : curves.sizes()) {
      int x = LEFT + (int) ((Math.log((double) n) - least) * across);
      text(
          n < 1_000_000 ? Long.toString(n) : n / 1_000_000 + " M", x - 6, top + CURVES + 24, false);
    }
  }
}
