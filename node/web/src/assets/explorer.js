// Sorts tables and follows the node's stream of final blocks. Every page reads without it.
"use strict";
(function () {
  const utc = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

  // Tables: a head cell becomes a button; numbers sort as numbers, what is withheld stands last.
  function key(cell) {
    const text = cell.textContent.trim();
    if (text === "–" || text === "") return null;
    const number = Number(text.replace(/,/g, "").replace(/( %|\+)$/, ""));
    return Number.isNaN(number) ? text : number;
  }

  function order(table, at, head) {
    const down = head.getAttribute("aria-sort") !== "descending" && head.classList.contains("n")
      || head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = Array.from(table.tBodies[0].rows).map((row) => [key(row.cells[at]), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const less = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
      return down ? -less : less;
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }

  function sortable(root) {
    for (const table of root.querySelectorAll("table.sortable")) {
      Array.from(table.tHead.rows[0].cells).forEach((head, at) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = head.textContent;
        button.addEventListener("click", () => order(table, at, head));
        head.replaceChildren(button);
      });
    }
  }
  sortable(document);

  // Of a shortened hash the whole one is copied.
  document.addEventListener("copy", (event) => {
    const at = document.getSelection().anchorNode;
    const code = at && (at.nodeType === Node.ELEMENT_NODE ? at : at.parentElement).closest("code[title]");
    const text = document.getSelection().toString().trim();
    if (!code || !text || text !== code.textContent.trim()) return;
    event.clipboardData.setData("text/plain", code.title);
    event.preventDefault();
  });

  // Every page has a lasting address; the button copies it.
  const chain = document.querySelector(".chain");
  if (chain && navigator.clipboard) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = chain.dataset.copy;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        button.textContent = chain.dataset.copied;
      } catch (_) {
        button.textContent = chain.dataset.refused;
      }
      setTimeout(() => { button.textContent = chain.dataset.copy; }, 2000);
    });
    chain.append(" ", button);
  }

  const live = document.getElementById("live");
  if (!live) return;
  const blocks = document.getElementById("blocks");
  let next = Number(document.body.dataset.next);
  let wait = 1000;

  function say(text, on) {
    live.textContent = text;
    live.classList.toggle("on", on);
  }

  function cell(row, content, kind) {
    const td = row.insertCell();
    td.dataset.label = blocks.closest("table").tHead.rows[0].cells[td.cellIndex].textContent;
    if (content instanceof Node) td.append(content);
    else td.textContent = content;
    if (kind) td.className = kind;
  }

  function put(id, text) {
    const place = document.getElementById(id);
    if (place) place.textContent = text;
  }

  function show(block) {
    put("height", block.height);
    put("time", utc(block.time_ms));
    if (!blocks) return;
    const row = blocks.insertRow(0);
    row.className = "new";
    const link = document.createElement("a");
    link.href = "/blocks/" + block.height;
    link.textContent = block.height;
    cell(row, link);
    cell(row, utc(block.time_ms));
    cell(row, block.transactions.leaf_count, "n");
    cell(row, block.students.leaf_count, "n");
    const code = document.createElement("code");
    code.textContent = block.hash.slice(0, 12);
    code.title = block.hash;
    cell(row, code);
    setTimeout(() => row.classList.remove("new"), 1500);
    while (blocks.rows.length > Number(blocks.dataset.limit)) blocks.deleteRow(-1);
    const kinds = ["OpenRound", "RunRound", "RevertDecision"];
    if (block.outlines.some((one) => kinds.includes(one.kind))) refresh();
  }

  // The server renders rounds and totals; the script only puts the new ones in place, at most once a second.
  let pending = false;
  function refresh() {
    if (pending) return;
    pending = true;
    setTimeout(async () => {
      pending = false;
      try {
        const answer = await fetch("/");
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("rounds");
        if (answer.ok && fresh) {
          document.getElementById("rounds").replaceWith(document.adoptNode(fresh));
          sortable(document.getElementById("rounds"));
        }
      } catch (_) { /* the next block tries again */ }
    }, 1000);
  }

  function connect() {
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    const socket = new WebSocket(scheme + location.host + "/v1/stream?from=" + next);
    let said = 0;
    socket.onopen = () => { wait = 1000; };
    socket.onmessage = (message) => {
      const block = JSON.parse(message.data);
      if (block.height < next) return;
      next = block.height + 1;
      if (blocks) show(block);
      // A screen reader is told once; the figures themselves change silently.
      if (!said++) say(blocks ? live.dataset.live : live.dataset.newer, true);
      // A page that shows no blocks needs no more than that there are newer ones.
      if (!blocks) {
        socket.onclose = null;
        socket.close();
      }
    };
    socket.onclose = () => {
      say(live.dataset.lost, false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 30000);
    };
    addEventListener("pagehide", () => { socket.onclose = null; socket.close(); }, { once: true });
  }
  connect();
})();
