// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An NBD server over TCP with one export in memory. It loses what was not flushed when it crashes,
 * and does wrong what the test asks for. Written after the protocol's text, without the client's
 * code.
 */
final class TestNbdServer implements AutoCloseable {
  static final int FLUSH = 4;
  static final int FUA = 8;
  static final int TRIM = 32;
  static final int ZEROES = 64;
  static final int ALL = FLUSH | FUA | TRIM | ZEROES;

  /** How it serves. */
  record Ways(int flags, boolean structured, int minBlock, int maxBlock) {
    static final Ways FULL = new Ways(ALL, true, 1, 1 << 20);
    static final Ways PLAIN = new Ways(0, false, 1, 1 << 16);
  }

  private final ServerSocket listener;
  private final String export;
  private final Random random = new Random(7);

  private volatile Ways ways;
  private volatile int refusal; // the error of NBD_OPT_GO; 0: none
  private volatile boolean mute; // it reads and answers nothing
  private volatile String greeting = "NBDMAGIC";

  private byte[] durable; // guarded by this
  private byte[] current; // guarded by this
  private final List<Socket> sockets = new ArrayList<>(); // guarded by this
  private int dropAt = -1; // requests until the connection is dropped; guarded by this
  private int requests; // guarded by this
  private int connections; // guarded by this
  private boolean accepts = true; // guarded by this

  /** Errors to answer, by command. */
  private final Map<Integer, Integer> errors = new ConcurrentHashMap<>();

  TestNbdServer(String export, int bytes, Ways ways) throws IOException {
    this.export = export;
    this.ways = ways;
    this.durable = new byte[bytes];
    this.current = new byte[bytes];
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().name("nbd test server").start(this::accept);
  }

  SocketAddress address() {
    return listener.getLocalSocketAddress();
  }

  void serve(Ways newWays) {
    ways = newWays;
  }

  void refuse(int error) {
    refusal = error;
  }

  void greet(String words) {
    greeting = words;
  }

  void beMute(boolean isMute) {
    mute = isMute;
  }

  /** Answers a command with this error; 0: no more. */
  void fail(int command, int error) {
    if (error == 0) {
      errors.remove(command);
    } else {
      errors.put(command, error);
    }
  }

  /** Drops the connection at a later request, unanswered, done or not done. */
  synchronized void dropAfter(int count) {
    dropAt = requests + count;
  }

  synchronized int requests() {
    return requests;
  }

  synchronized int connections() {
    return connections;
  }

  synchronized byte[] durable() {
    return durable.clone();
  }

  synchronized byte[] current() {
    return current.clone();
  }

  synchronized void resize(int bytes) {
    durable = Arrays.copyOf(durable, bytes);
    current = Arrays.copyOf(current, bytes);
  }

  /** Dies, and is there again at once, without what was not flushed. */
  synchronized void crash() throws IOException {
    current = durable.clone();
    disconnect();
  }

  synchronized void disconnect() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
    sockets.clear();
  }

  /** Whether connections are taken; else they are closed at once. */
  synchronized void accept(boolean does) {
    accepts = does;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        synchronized (this) {
          if (!accepts) {
            socket.close();
            continue;
          }
          connections++;
          sockets.add(socket);
        }
        Thread.ofPlatform().daemon().name("nbd test connection").start(() -> serve(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket socket) {
    try (socket;
        DataInputStream in = new DataInputStream(socket.getInputStream());
        DataOutputStream out =
            new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16))) {
      socket.setTcpNoDelay(true);
      Ways agreed = negotiate(in, out);
      if (agreed != null) {
        transmit(in, out, agreed);
      }
    } catch (IOException e) {
      return; // the connection has ended
    }
  }

  private Ways negotiate(DataInputStream in, DataOutputStream out) throws IOException {
    out.write(greeting.getBytes(StandardCharsets.US_ASCII));
    out.writeBytes("IHAVEOPT");
    out.writeShort(3);
    out.flush();
    in.readInt();
    boolean structured = false;
    while (true) {
      in.readLong();
      int option = in.readInt();
      byte[] data = in.readNBytes(in.readInt());
      ByteBuffer body = ByteBuffer.wrap(data);
      if (mute) {
        continue;
      }
      switch (option) {
        case 8 -> {
          structured = ways.structured();
          reply(out, option, structured ? 1 : 0x80000001, new byte[0]);
        }
        case 10 -> {
          reply(
              out,
              option,
              4,
              concat(int32(77), "base:allocation".getBytes(StandardCharsets.US_ASCII)));
          reply(out, option, 1, new byte[0]);
        }
        case 7 -> {
          byte[] name = new byte[body.getInt()];
          body.get(name);
          boolean known = new String(name, StandardCharsets.UTF_8).equals(export);
          int error = known ? refusal : 0x80000006;
          if (error != 0) {
            reply(out, option, error, "because".getBytes(StandardCharsets.US_ASCII));
            continue;
          }
          ByteBuffer info = ByteBuffer.allocate(12).putShort((short) 0);
          synchronized (this) {
            info.putLong(current.length);
          }
          reply(out, option, 3, info.putShort((short) (1 | ways.flags())).array());
          reply(
              out,
              option,
              3,
              ByteBuffer.allocate(14)
                  .putShort((short) 3)
                  .putInt(ways.minBlock())
                  .putInt(4096)
                  .putInt(ways.maxBlock())
                  .array());
          reply(out, option, 1, new byte[0]);
          return new Ways(ways.flags(), structured, ways.minBlock(), ways.maxBlock());
        }
        default -> reply(out, option, 0x80000001, new byte[0]);
      }
    }
  }

  private static byte[] int32(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  private static byte[] concat(byte[] one, byte[] other) {
    return ByteBuffer.allocate(one.length + other.length).put(one).put(other).array();
  }

  private static void reply(DataOutputStream out, int option, int type, byte[] data)
      throws IOException {
    out.writeLong(0x3e889045565a9L);
    out.writeInt(option);
    out.writeInt(type);
    out.writeInt(data.length);
    out.write(data);
    out.flush();
  }

  private record Request(
      int flags, int command, long cookie, long offset, int length, byte[] data) {}

  /** Takes what has come, and answers it in any order. */
  private void transmit(DataInputStream in, DataOutputStream out, Ways agreed) throws IOException {
    ArrayDeque<Request> taken = new ArrayDeque<>();
    while (true) {
      do {
        Request request = take(in);
        if (request.command() == 2) {
          return;
        }
        taken.add(request);
      } while (in.available() >= 28 && taken.size() < 16);
      List<Request> order = new ArrayList<>(taken);
      taken.clear();
      synchronized (random) {
        Collections.shuffle(order, random);
      }
      for (Request request : order) {
        if (drops(request)) {
          return;
        } else if (!mute) {
          byte[] answer = serve(request, agreed);
          out.write(answer);
        }
      }
      out.flush();
    }
  }

  private static Request take(DataInputStream in) throws IOException {
    if (in.readInt() != 0x25609513) {
      throw new IOException("not a request");
    }
    int flags = in.readUnsignedShort();
    int command = in.readUnsignedShort();
    long cookie = in.readLong();
    long offset = in.readLong();
    int length = in.readInt();
    byte[] data = command == 1 ? in.readNBytes(length) : new byte[0];
    return new Request(flags, command, cookie, offset, length, data);
  }

  private synchronized boolean drops(Request request) {
    if (++requests == dropAt) {
      if (request.command() != 3 && random.nextBoolean()) {
        change(request);
      }
      return true;
    }
    return false;
  }

  private synchronized byte[] serve(Request request, Ways agreed) {
    int error = errors.getOrDefault(request.command(), 0);
    if (error == 0) {
      change(request);
    }
    boolean isStructured =
        agreed.structured() && (request.command() == 0 || request.command() == 7);
    if (!isStructured) {
      ByteBuffer reply = ByteBuffer.allocate(16 + (request.command() == 0 ? request.length() : 0));
      reply.putInt(0x67446698).putInt(error).putLong(request.cookie());
      if (request.command() == 0 && error == 0) {
        reply.put(current, (int) request.offset(), request.length());
      }
      return Arrays.copyOf(reply.array(), reply.position());
    } else if (error != 0) {
      return chunk(
          request,
          1,
          0x8001,
          ByteBuffer.allocate(9)
              .putInt(error)
              .putShort((short) 3)
              .put("why".getBytes(StandardCharsets.US_ASCII))
              .array());
    }
    return request.command() == 0 ? read(request) : status(request);
  }

  private static byte[] chunk(Request request, int flags, int type, byte[] payload) {
    return ByteBuffer.allocate(20 + payload.length)
        .putInt(0x668e33ef)
        .putShort((short) flags)
        .putShort((short) type)
        .putLong(request.cookie())
        .putInt(payload.length)
        .put(payload)
        .array();
  }

  /** In pieces of a sector; those of zeros as holes. */
  private byte[] read(Request request) {
    byte[] all = new byte[0];
    for (int at = 0; at < request.length(); at += 512) {
      long offset = request.offset() + at;
      byte[] sector = Arrays.copyOfRange(current, (int) offset, (int) offset + 512);
      byte[] piece =
          Arrays.equals(sector, new byte[512])
              ? chunk(request, 0, 2, ByteBuffer.allocate(12).putLong(offset).putInt(512).array())
              : chunk(request, 0, 1, ByteBuffer.allocate(520).putLong(offset).put(sector).array());
      all = concat(all, piece);
    }
    return concat(all, chunk(request, 1, 0, new byte[0]));
  }

  /** Sectors of zeros are holes. */
  private byte[] status(Request request) {
    int at = (int) request.offset();
    boolean hole = isZero(at);
    int length = 512;
    while (length < request.length() && isZero(at + length) == hole) {
      length += 512;
    }
    ByteBuffer extent = ByteBuffer.allocate(12).putInt(77).putInt(length).putInt(hole ? 3 : 0);
    return chunk(request, 1, 5, extent.array());
  }

  private boolean isZero(int at) {
    return Arrays.equals(current, at, at + 512, new byte[512], 0, 512);
  }

  private void change(Request request) {
    int at = (int) request.offset();
    switch (request.command()) {
      case 1 -> System.arraycopy(request.data(), 0, current, at, request.length());
      case 3 -> durable = current.clone();
      case 4, 6 -> Arrays.fill(current, at, at + request.length(), (byte) 0);
      default -> {}
    }
    if ((request.flags() & 1) != 0) {
      System.arraycopy(current, at, durable, at, request.length());
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    disconnect();
  }
}
