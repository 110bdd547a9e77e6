// SPDX-License-Identifier: Apache-2.0
// The status page. It reads what `anabranch status --json` and `stats --json` print, every two
// seconds, and shows it. Whatever comes from a server or an initiator becomes text, never HTML.
"use strict";

const INTERVAL = 2000;
const THRESHOLD = 0.8; // a store that is fuller than this stands out
let before = null;

/** An element with a class, text or children. */
function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter(each => each !== null));
  return element;
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  const text = unit > 0 && n < 100 ? n.toFixed(1).replace(/\.0$/, "") : n.toFixed(0);
  return text + " " + units[unit];
}

function rate(n) {
  return n === 0 ? "–" : n < 10 ? n.toFixed(1) : n.toFixed(0);
}

function duration(nanos) {
  if (nanos === 0) return "–";
  const micros = nanos / 1e3;
  if (micros < 1000) return micros.toFixed(0) + " µs";
  const millis = micros / 1e3;
  return millis < 1000 ? millis.toFixed(millis < 10 ? 1 : 0) + " ms" : (millis / 1e3).toFixed(1) + " s";
}

function time(seconds) {
  if (seconds < 0) return "unknown";
  if (seconds < 60) return seconds + " s";
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const largest = units.findIndex(([length]) => seconds >= length);
  const [length, unit] = units[largest];
  const [part, smaller] = units[largest + 1];
  const rest = Math.floor(seconds % length / part);
  return Math.floor(seconds / length) + " " + unit + (rest === 0 ? "" : " " + rest + " " + smaller);
}

/** A time as people sort it, in the time zone of the browser. */
function when(text) {
  const date = new Date(text);
  const two = n => String(n).padStart(2, "0");
  return date.getFullYear() + "-" + two(date.getMonth() + 1) + "-" + two(date.getDate())
      + " " + two(date.getHours()) + ":" + two(date.getMinutes());
}

/** The quantile of what was measured between two answers, interpolated in its bucket. */
function quantile(earlier, later, part) {
  const old = new Map(earlier.buckets.map(each => [each["from-nanos"], each.count]));
  const buckets = later.buckets
      .map(each => ({from: each["from-nanos"], count: each.count - (old.get(each["from-nanos"]) || 0)}))
      .filter(each => each.count > 0);
  const all = buckets.reduce((sum, each) => sum + each.count, 0);
  let below = 0;
  for (const bucket of buckets) {
    if (below + bucket.count >= part * all) {
      const width = bucket.from === 0 ? 1024 : 2 ** Math.floor(Math.log2(bucket.from)) / 4;
      return bucket.from + width * Math.max(0, part * all - below) / bucket.count;
    }
    below += bucket.count;
  }
  return 0;
}

function figure(label, value) {
  return make("div", value === "–" || value === "0" ? "idle" : "", make("dt", "", label), make("dd", "", value));
}

const NOTHING = {count: 0, buckets: []};

/** Rates and latencies of a volume or snapshot since the last answer. */
function figures(now, stats) {
  const list = make("dl", "figures");
  if (!now) return list;
  const then = before && before.volumes.find(each => each.name === now.name);
  const restarted = !then || then.reads > now.reads || then.writes > now.writes;
  const seconds = before ? (stats.nanos - before.nanos) / 1e9 : 0;
  const per = key => restarted || seconds <= 0 ? 0 : Math.max(0, now[key] - then[key]) / seconds;
  const latency = (key, part) => restarted ? 0 : quantile(then[key] || NOTHING, now[key], part);
  const both = key => {
    const median = latency(key, 0.5);
    return median === 0 ? "–" : duration(median) + " / " + duration(latency(key, 0.99));
  };
  const speed = n => n === 0 ? "–" : bytes(n) + "/s";
  list.append(
      figure("Reads/s", rate(per("reads"))),
      figure("Read", speed(per("read-bytes"))),
      figure("Read p50/p99", both("read-latency")),
      figure("Writes/s", rate(per("writes"))),
      figure("Written", speed(per("written-bytes"))),
      figure("Write p50/p99", both("write-latency")),
      figure("In flight", String(now["queue-depth"])),
      figure("Copied/s", rate(per("cow-copies"))));
  return list;
}

function gauge(label, value, part, className) {
  const bar = make("progress", className);
  bar.max = 1;
  bar.value = Math.min(1, Math.max(0, part));
  bar.setAttribute("aria-label", label);
  return make("div", "gauge",
      make("div", "label", make("span", "", label), make("span", "", value)), bar);
}

function tag(text, className) {
  return make("span", "tag" + (className ? " " + className : ""), text);
}

function lunsOf(status) {
  return status.targets.flatMap(target => target.luns.map(lun => ({...lun, target: target.name})));
}

function lunText(luns, name) {
  const mine = luns.filter(each => each.device === name);
  if (mine.length === 0) return "no LUN";
  return mine.map(each => "LUN " + each.number + " of " + each.target + (each["read-only"] ? " (read-only)" : ""))
      .join(", ");
}

function snapshotItem(snapshot, stats, luns) {
  const states = {waiting: "warn", queued: "warn", merging: "work"};
  const name = snapshot.name.slice(snapshot.volume.length);
  const title = make("div", "name", name);
  const numbers = /^(\d+)\/(\d+) (\d+)$/.exec(snapshot.status);
  const lost = snapshot.status === "Invalid";
  const failed = snapshot.merge && snapshot.merge.state === "failed";
  if (lost) title.append(tag("lost", "bad"));
  else if (failed) title.append(tag("rollback stopped", "bad"));
  else if (snapshot.status === "Overflow") title.append(tag("store full", "bad"));
  else if (snapshot.merge && snapshot.merge.state === "paused") title.append(tag("rollback paused", "warn"));
  else title.append(tag(snapshot.phase === "merging" ? "rolling back" : snapshot.phase, states[snapshot.phase]));
  if (snapshot["read-only"]) title.append(tag("read-only"));
  const facts = make("div", "fact",
      "Taken " + when(snapshot.created) + ", " + lunText(luns, snapshot.name));
  const who = make("div", "who", title, facts);
  const what = make("div", "");
  if (snapshot.merge && snapshot.phase === "merging") {
    const done = snapshot.merge["merged-bytes"];
    const left = snapshot.merge["remaining-bytes"];
    const running = snapshot.merge.state === "running";
    what.append(gauge(
        "Rolled back " + bytes(done) + " of " + bytes(done + left),
        running ? bytes(snapshot.merge["bytes-per-second"]) + "/s, "
            + time(snapshot.merge["seconds-left"]) + " left" : snapshot.merge.state,
        done + left === 0 ? 1 : done / (done + left), "work"));
  } else if (numbers) {
    const used = Number(numbers[1]) * 512;
    const size = Number(numbers[2]) * 512;
    const part = size === 0 ? 0 : used / size;
    what.append(gauge("Store", bytes(used) + " of " + bytes(size), part, part > THRESHOLD ? "high" : ""));
  }
  if (snapshot["waits-for"] && snapshot["waits-for"].length > 0) {
    const waits = make("ul", "waits");
    for (const wait of snapshot["waits-for"]) {
      const since = wait["cut-off-since"];
      waits.append(make("li", "", "Waits for " + wait.initiator
          + (wait.connected ? ", logged in" : since ? ", cut off since " + when(since) : "")));
    }
    what.append(waits);
  }
  const mine = stats.volumes.find(each => each.name === snapshot.name);
  const active = mine && luns.some(each => each.device === snapshot.name);
  if (active) what.append(figures(mine, stats));
  return make("li", "", make("div", "row", who, what));
}

function volumeItem(volume, status, stats, luns) {
  const title = make("div", "name", volume.name);
  if (volume.state !== "served") title.append(tag("left out", "bad"));
  if (volume["read-only"]) title.append(tag("read-only"));
  const facts = make("div", "fact", volume.state === "served"
      ? bytes(volume.bytes) + ", " + lunText(luns, volume.name) : "not served");
  const row = make("div", "row",
      make("div", "who", title, facts),
      figures(stats.volumes.find(each => each.name === volume.name), stats));
  const card = make("div", "volume", row);
  const snapshots = status.snapshots.filter(each => each.volume === volume.name);
  if (snapshots.length > 0) {
    card.append(make("ul", "snapshots", ...snapshots.map(each => snapshotItem(each, stats, luns))));
  }
  return card;
}

function sessionTable(sessions) {
  if (sessions.length === 0) return make("p", "none", "Nobody is logged in.");
  const columns = [
    ["Initiator", each => each.initiator],
    ["Target", each => each.target || "(discovery)"],
    ["From", each => each.from],
    ["In flight", each => String(each["commands-in-flight"]), "number"],
    ["Commands", each => each["commands-done"].toLocaleString(), "number"],
  ];
  return table(columns, sessions);
}

function scheduleTable(schedules) {
  return table([
    ["Schedule", each => each.name],
    ["Volumes", each => each.volumes.join(", ")],
    ["Every", each => time(each["every-seconds"])],
    ["Snapshots", each => each.snapshots + " of " + each.keep * each.volumes.length, "number"],
    ["Next", each => each.running ? "now" : when(each.next)],
    ["Last", each => each.last ? when(each.last) + ", " + each["last-result"] : "none yet"],
  ], schedules);
}

/** Each column is its title, the text of a row's cell, and perhaps a class. */
function table(columns, entries) {
  const head = make("tr", "", ...columns.map(([label, , className]) => make("th", className || "", label)));
  const rows = entries.map(entry => make("tr", "", ...columns.map(([label, of, className]) => {
    const cell = make("td", className || "", make("span", "", of(entry)));
    cell.dataset.label = label;
    return cell;
  })));
  return make("div", "card", make("table", "", make("thead", "", head), make("tbody", "", ...rows)));
}

function eventItem(event) {
  const time = make("time", "", new Date(event.time).toLocaleTimeString("en-GB"));
  time.dateTime = event.time;
  time.title = when(event.time);
  return make("li", event.level, time, make("span", "", event.text));
}

function byId(id) {
  return document.getElementById(id);
}

function show(status, stats, luns, events) {
  byId("server").textContent = status.version + " at " + status.portals.join(", ");
  document.title = (status.problems.length > 0 ? "(" + status.problems.length + ") " : "") + "Anabranch";
  byId("problems").hidden = status.problems.length === 0;
  byId("problems").querySelector("ul").replaceChildren(...status.problems.map(problem =>
      make("li", "", make("b", "", problem.subject), ": " + problem.text,
          make("span", "remedy", "What to do: " + problem.remedy))));
  byId("volumes").replaceChildren(...(status.volumes.length === 0
      ? [make("p", "none", "No volumes are configured.")]
      : status.volumes.map(volume => volumeItem(volume, status, stats, luns))));
  byId("schedules").hidden = status.schedules.length === 0;
  byId("schedules").querySelector("div").replaceChildren(scheduleTable(status.schedules));
  byId("sessions").replaceChildren(sessionTable(status.sessions));
  byId("events").replaceChildren(...events.map(eventItem));
}

async function get(address) {
  const answer = await fetch(address, {signal: AbortSignal.timeout(10000)});
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function refresh() {
  const live = byId("live");
  try {
    const [status, stats, events] = await Promise.all(
        ["/status.json", "/stats.json", "/events.json"].map(get));
    show(status, stats, lunsOf(status), events.events);
    before = stats;
    live.textContent = "Live, every " + INTERVAL / 1000 + " s";
    live.className = "";
  } catch (error) {
    live.textContent = "No answer since " + new Date().toLocaleTimeString("en-GB");
    live.className = "lost";
    before = null;
  }
  setTimeout(refresh, document.hidden ? 5 * INTERVAL : INTERVAL);
}

refresh();
