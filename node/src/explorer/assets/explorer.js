// Follows the node's stream of final blocks and keeps the page's figures current. The page reads without it.
"use strict";
(function () {
  const blocks = document.getElementById("blocks");
  const limit = Number(blocks.dataset.limit);
  const live = document.getElementById("live");
  let next = Number(document.body.dataset.next);
  let wait = 1000;

  const utc = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

  function say(text, on) {
    live.textContent = text;
    live.classList.toggle("on", on);
  }

  function cell(row, content, kind) {
    const td = row.insertCell();
    if (content instanceof Node) td.append(content);
    else td.textContent = content;
    if (kind) td.className = kind;
  }

  function link(href, text) {
    const a = document.createElement("a");
    a.href = href;
    a.textContent = text;
    return a;
  }

  function show(block) {
    document.getElementById("height").textContent = block.height;
    document.getElementById("time").textContent = utc(block.time_ms);
    const row = blocks.insertRow(0);
    row.className = "new";
    cell(row, link("/v1/blocks/" + block.height, block.height));
    cell(row, utc(block.time_ms));
    cell(row, block.transactions.leaf_count, "n");
    cell(row, block.students.leaf_count, "n");
    const code = document.createElement("code");
    code.textContent = block.hash.slice(0, 12);
    cell(row, code);
    setTimeout(() => row.classList.remove("new"), 1500);
    while (blocks.rows.length > limit) blocks.deleteRow(-1);
    const kinds = ["OpenRound", "SubmitRequests", "RunRound"];
    if (block.outlines.some((t) => kinds.includes(t.kind))) scheduleRounds();
  }

  // The server renders rounds; the script only puts the new table in place, at most once a second.
  let pending = false;
  function scheduleRounds() {
    if (pending) return;
    pending = true;
    setTimeout(async () => {
      pending = false;
      try {
        const answer = await fetch("/", { headers: { accept: "text/html" } });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("rounds");
        if (answer.ok && fresh) document.getElementById("rounds").replaceWith(document.adoptNode(fresh));
      } catch (_) { /* the next block tries again */ }
    }, 1000);
  }

  function connect() {
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    const socket = new WebSocket(scheme + location.host + "/v1/stream?from=" + next);
    socket.onopen = () => { wait = 1000; say("live", true); };
    socket.onmessage = (message) => {
      const block = JSON.parse(message.data);
      if (block.height < next) return;
      next = block.height + 1;
      show(block);
    };
    socket.onclose = () => {
      say("not connected, trying again", false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 30000);
    };
  }
  connect();
})();
