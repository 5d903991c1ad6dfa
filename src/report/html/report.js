"use strict";
// Names, tags and evidence are other people's words: they reach the page as text nodes only.
(() => {
  const PAGE = 100;
  const PRINTED = 1000;
  const $ = (id) => document.getElementById(id);
  const about = JSON.parse($("about").textContent);

  // What would hide or reorder what is written is spelled out.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  const visible = (value) => value.replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

  function el(tag, properties, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties ?? {})) {
      if (name in node) node[name] = value;
      else node.setAttribute(name, value);
    }
    for (const child of children.flat()) {
      if (child != null && child !== false) node.append(typeof child === "string" ? visible(child) : child);
    }
    return node;
  }
  const number = new Intl.NumberFormat("en").format;

  // ---- data ----

  const dictionary = JSON.parse($("dictionary").textContent);
  const text = (index) => (index == null ? "" : dictionary.strings[index]);
  const rows = [];
  for (const block of document.querySelectorAll("script.findings")) {
    let resource = null;
    for (const item of JSON.parse(block.textContent)) {
      if (item[0] === 0) {
        const [, account, region, arn, name, tags] = item;
        resource = { account: text(account), region: text(region), arn, name, tags };
      } else {
        const [id, kind, verdict, part, evidence, unread, note, change, suppressed] = item;
        // Suppressed failures are a verdict of their own here.
        const shown = suppressed && about.verdicts[verdict].id === "fail" ? about.verdicts.length - 1 : verdict;
        rows.push({ id, kind: dictionary.kinds[kind], verdict: shown, resource, part, evidence, unread, note, change, suppressed, order: rows.length });
      }
    }
    block.remove();
  }
  const verdictOf = (row) => about.verdicts[row.verdict];
  const severityOf = (row) => about.severities[row.kind.severity];
  const layerTitle = (row) => about.layers[row.kind.layer].title;

  function message(row) {
    if (row.evidence) return row.evidence.map((e) => `${text(e[0])} is ${e[1]}`).join("; ");
    if (row.unread) return row.unread[1];
    return row.note ?? "";
  }

  function haystack(row) {
    row.words ??= [
      row.id, row.kind.check, row.kind.title, row.resource.arn, row.resource.name, row.part,
      row.kind.type, row.resource.account, about.accounts[row.resource.account],
      row.evidence?.map((e) => `${text(e[0])} ${e[1]} ${text(e[3])}`).join(" "),
      row.unread?.join(" "), row.note,
      Object.entries(row.resource.tags ?? {}).map(([key, value]) => `${key}=${value}`).join(" "),
      row.kind.controls.map((control) => control.join(" ")).join(" "),
    ].join("\n").toLowerCase();
    return row.words;
  }

  // ---- what is shown ----

  const SELECTS = {
    service: (row) => row.kind.service,
    layer: (row) => about.layers[row.kind.layer].id,
    account: (row) => row.resource.account,
    region: (row) => row.resource.region,
    check: (row) => row.kind.check,
    change: (row) => (row.change == null ? "" : about.changes[row.change]),
  };
  const ATTENTION = about.verdicts.filter((verdict) => verdict.attention).map((verdict) => verdict.id);
  const state = { q: "", verdict: null, severity: null, sort: "attention", down: false, page: 0 };
  let shown = [];

  function reset() {
    state.q = "";
    state.verdict = new Set(ATTENTION);
    state.severity = new Set();
    for (const name of Object.keys(SELECTS)) state[name] = "";
  }

  const rankOfVerdict = about.verdicts.map((verdict) => verdict.rank);
  const byText = (of) => (a, b) => {
    const [x, y] = [of(a), of(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
  const bySeverity = (a, b) => b.kind.severity - a.kind.severity;
  const byVerdict = (a, b) => rankOfVerdict[a.verdict] - rankOfVerdict[b.verdict];
  const ORDERS = {
    attention: (a, b) => byVerdict(a, b) || bySeverity(a, b),
    severity: bySeverity,
    verdict: (a, b) => byVerdict(a, b) || a.verdict - b.verdict || bySeverity(a, b),
    check: byText((row) => row.kind.check),
    resource: byText((row) => row.resource.name || row.resource.arn),
    account: byText((row) => row.resource.account),
    region: byText((row) => row.resource.region),
    layer: (a, b) => a.kind.layer - b.kind.layer,
  };

  function select() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.entries(SELECTS).filter(([name]) => state[name]);
    shown = rows.filter((row) =>
      (!state.verdict.size || state.verdict.has(verdictOf(row).id)) &&
      (!state.severity.size || state.severity.has(severityOf(row))) &&
      wanted.every(([name, of]) => of(row) === state[name]) &&
      words.every((word) => haystack(row).includes(word)));
    const order = ORDERS[state.sort];
    const sign = state.down ? -1 : 1;
    shown.sort((a, b) => sign * order(a, b) || a.order - b.order);
    state.page = Math.min(state.page, Math.max(0, Math.ceil(shown.length / PAGE) - 1));
  }

  // ---- the table ----

  const COLUMNS = [
    ["severity", "Severity"], ["verdict", "Verdict"], ["check", "Check"], ["resource", "Resource"],
    ["account", "Account"], ["region", "Region"], ["layer", "Layer"],
  ];

  function badge(row) {
    const severity = severityOf(row);
    return el("span", { className: `badge ${severity}` }, severity);
  }
  function verdictName(row) {
    const verdict = verdictOf(row);
    return el("span", { className: `verdict ${verdict.id}` }, verdict.title);
  }

  function tableRow(row) {
    const { kind, resource } = row;
    const name = about.accounts[resource.account];
    return el("tr", { "data-id": row.id },
      el("td", {}, badge(row)),
      el("td", {}, verdictName(row)),
      el("td", { className: "what" },
        el("a", { href: `#f=${row.id}` }, kind.check),
        el("small", {}, message(row) || kind.title)),
      el("td", { className: "where" },
        el("span", { className: "name" }, resource.name || resource.arn),
        el("small", {}, row.part ? `${resource.arn} · ${row.part}` : resource.arn)),
      el("td", { className: "nowrap" }, resource.account, name ? el("small", {}, name) : null),
      el("td", { className: "nowrap" }, resource.region),
      el("td", {}, layerTitle(row)));
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    const start = state.page * PAGE;
    const page = shown.slice(start, start + PAGE);
    $("rows").tBodies[0].replaceChildren(...page.map(tableRow));
    const range = shown.length > PAGE ? `, ${number(start + 1)} to ${number(start + page.length)} here` : "";
    $("status").textContent = shown.length
      ? `${number(shown.length)} of ${number(rows.length)} findings${range}`
      : `None of ${number(rows.length)} findings`;
    $("page").textContent = `Page ${number(state.page + 1)} of ${number(pages)}`;
    $("pages").hidden = pages === 1;
    for (const button of $("pages").querySelectorAll("button")) {
      const back = button.dataset.go === "first" || button.dataset.go === "previous";
      button.disabled = back ? state.page === 0 : state.page >= pages - 1;
    }
    for (const th of $("rows").tHead.rows[0].cells) {
      if (th.dataset.sort === state.sort) th.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
  }

  function refresh() {
    select();
    draw();
  }

  // ---- filters and the address ----

  const isDefault = (set, of) => set.size === of.length && of.every((id) => set.has(id));

  function filterAddress() {
    const address = new URLSearchParams();
    if (state.q) address.set("q", state.q);
    if (!isDefault(state.verdict, ATTENTION)) address.set("verdict", [...state.verdict].join(","));
    if (state.severity.size) address.set("severity", [...state.severity].join(","));
    for (const name of Object.keys(SELECTS)) if (state[name]) address.set(name, state[name]);
    return address.toString();
  }

  function remember(hash) {
    // Some viewers of local files forbid it; the page works without.
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch { /* the address stays as it was */ }
  }

  function showFilters() {
    $("q").value = state.q;
    for (const [name, set] of [["verdicts", state.verdict], ["severities", state.severity]]) {
      for (const input of $(name).querySelectorAll("input")) input.checked = set.has(input.value);
    }
    for (const name of Object.keys(SELECTS)) {
      const choice = $(name);
      if (state[name] && ![...choice.options].some((option) => option.value === state[name])) {
        choice.append(el("option", { value: state[name] }, state[name]));
      }
      choice.value = state[name];
    }
  }

  function filtersChanged() {
    state.page = 0;
    refresh();
    remember(filterAddress());
  }

  function follow() {
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) return;
    const address = new URLSearchParams(hash);
    const names = ["q", "verdict", "severity", ...Object.keys(SELECTS)];
    if (names.some((name) => address.has(name))) {
      reset();
      state.q = address.get("q") ?? "";
      for (const name of ["verdict", "severity"]) {
        if (address.has(name)) state[name] = new Set(address.get(name).split(",").filter(Boolean));
      }
      for (const name of Object.keys(SELECTS)) state[name] = address.get(name) ?? "";
      state.page = 0;
      showFilters();
      refresh();
      if (!address.has("f")) {
        closePanel();
        $("findings").scrollIntoView();
      }
    }
    if (address.has("f")) {
      const row = rows.find((row) => row.id === address.get("f"));
      if (row) openFinding(row);
      else openPanel("No such finding", [el("p", {}, `This report has no finding ${address.get("f")}; it may be of another scan.`)]);
    }
  }

  // ---- the panel ----

  const panel = $("panel");
  let current = null;

  function openPanel(title, body) {
    $("panel-body").replaceChildren(el("h2", { id: "panel-title", tabIndex: -1 }, title), ...body);
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
    $("panel-title").focus();
    for (const button of panel.querySelectorAll("[data-step], .copy-link")) button.hidden = current == null;
  }

  function closePanel() {
    if (panel.open) panel.close();
  }

  panel.addEventListener("close", () => {
    const id = current?.id;
    current = null;
    if (location.hash.includes("f=")) remember(filterAddress());
    if (id) [...$("rows").querySelectorAll("tr")].find((tr) => tr.dataset.id === id)?.querySelector("a").focus();
  });
  panel.addEventListener("click", (event) => {
    if (event.target === panel) closePanel();
  });

  function step(by) {
    const at = shown.indexOf(current);
    const next = shown[at < 0 ? 0 : at + by];
    if (!next) return;
    const page = Math.floor(shown.indexOf(next) / PAGE);
    if (page !== state.page) {
      state.page = page;
      draw();
    }
    remember(`f=${next.id}`);
    openFinding(next);
  }

  function facts(pairs) {
    return el("dl", {}, pairs.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }
  const code = (value) => (value ? el("code", {}, value) : null);
  const section = (title, ...body) => [el("h3", {}, title), ...body.flat()];

  function table(head, body) {
    return el("table", { className: "plain" },
      el("thead", {}, el("tr", {}, head.map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, body.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell))))));
  }

  function sides(aws, customer, owner) {
    return el("div", { className: "sides" },
      el("div", { className: "aws" }, el("h4", {}, "AWS covers"), el("p", {}, aws || "Nothing here.")),
      el("div", {}, el("h4", {}, "You must"), el("p", {}, customer || (owner === "aws" ? "Nothing: the layer is AWS's own." : "–"))));
  }

  function openFinding(row) {
    current = row;
    const { kind, resource } = row;
    const body = [
      el("p", { className: "sub" }, code(kind.check)),
      el("div", { className: "badges" }, badge(row), verdictName(row),
        row.change == null ? null : el("span", { className: "badge" }, about.changes[row.change])),
      facts([
        ["Resource", resource.name], ["ARN", code(resource.arn)], ["Type", code(kind.type)], ["Part", code(row.part)],
        ["Account", [resource.account, about.accounts[resource.account]].filter(Boolean).join(", ")],
        ["Region", resource.region],
      ]),
    ];
    if (row.evidence) {
      body.push(section("Evidence", table(["Field", "Observed", "Expected"],
        row.evidence.map(([field, observed, expected, call]) => [
          [code(text(field)), el("small", {}, text(call))],
          el("span", { className: "observed" }, observed),
          text(expected),
        ]))));
    }
    if (row.unread) {
      const [cause, reason, call, action] = row.unread;
      body.push(section("Why it is not assessed",
        el("div", { className: "call-out" }, `${call}: ${reason}.`,
          action && cause === "denied" ? el("p", {}, "To see it, grant ", code(action), ".") : null)));
    }
    if (row.note) body.push(section(verdictOf(row).id === "manual" ? "What to look at" : "Why", el("p", {}, row.note)));
    if (row.suppressed) {
      const [owner, reason, expires] = row.suppressed;
      body.push(section("Suppressed", facts([["By", owner], ["Reason", reason], ["Until", expires]])));
    }
    body.push(section("Whose duty it is", sides(kind.aws, kind.customer, kind.owner), facts([
      ["Owner", about.owners[kind.owner]], ["Layer", layerTitle(row)], ["Control type", kind.control_type],
      ["Service model", kind.service_model], ["Variant", kind.variant],
    ])));
    if (kind.remediation) body.push(section("Remediation", el("div", { className: "md" }, markdown(kind.remediation))));
    if (kind.controls.length) body.push(section("Controls", table(["Benchmark", "Control"], kind.controls)));
    const tags = resource.tags && Object.entries(resource.tags);
    body.push(section("Tags",
      tags == null ? el("p", {}, "The tags could not be read.")
        : tags.length ? el("ul", { className: "tags" }, tags.map(([key, value]) => el("li", {}, `${key} = ${value}`)))
          : el("p", {}, "None.")));
    body.push(facts([["Fingerprint", code(row.id)]]));
    const failed = verdictOf(row).id === "fail" || row.suppressed;
    openPanel(failed ? `Not so: ${kind.title}` : kind.title, body.flat());
  }

  function openCell(service, layer) {
    current = null;
    const row = about.matrix.find((row) => row.service === service);
    const cell = row.cells[layer];
    const counts = cell.verdicts;
    const total = counts.fail + counts["not-assessed"] + counts.manual + counts.pass + counts["not-applicable"];
    const body = [
      el("p", { className: "sub" }, `${row.name}, ${row.service_model} service`),
      ...section("Whose duty it is", sides(cell.aws, cell.customer, cell.owner)),
      facts([["Owner", about.owners[cell.owner]], ["Checks", number(cell.checks)]]),
    ];
    if (cell.instead) body.push(...section("What to use instead", el("p", {}, cell.instead)));
    if (total) {
      body.push(...section("What was found", table(["Verdict", "Findings"],
        about.verdicts.filter((verdict) => verdict.id in counts).map((verdict) => [verdict.title, number(counts[verdict.id])])),
      el("p", {}, el("a", { href: `#verdict=&service=${encodeURIComponent(service)}&layer=${encodeURIComponent(layer)}` }, `Show ${number(total)} findings`))));
    } else if (cell.state === "no-check") {
      body.push(el("div", { className: "call-out" }, "No check looks at this yet, or none was selected: nothing is known about it."));
    }
    openPanel(about.layers.find((entry) => entry.id === layer).title, body);
  }

  // ---- a little Markdown: paragraphs, lists, code, emphasis and https links ----

  function markdown(source) {
    const out = [];
    let list = null;
    let paragraph = [];
    const end = () => {
      if (paragraph.length) out.push(el("p", {}, inline(paragraph.join(" "))));
      paragraph = [];
      list = null;
    };
    const lines = source.split("\n");
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at];
      const item = /^\s*(?:[-*]|(\d+)\.)\s+(.*)/.exec(line);
      const heading = /^#{1,6}\s+(.*)/.exec(line);
      if (/^\s*```/.test(line)) {
        end();
        const block = [];
        for (at += 1; at < lines.length && !/^\s*```/.test(lines[at]); at += 1) block.push(lines[at]);
        out.push(el("pre", { tabIndex: 0 }, el("code", {}, block.join("\n"))));
      } else if (heading) {
        end();
        out.push(el("p", {}, el("strong", {}, inline(heading[1]))));
      } else if (item) {
        if (!list) {
          end();
          list = el(item[1] ? "ol" : "ul");
          out.push(list);
        }
        list.append(el("li", {}, inline(item[2])));
      } else if (!line.trim()) {
        end();
      } else if (list && /^\s/.test(line)) {
        list.lastElementChild.append(" ", ...inline(line.trim()));
      } else {
        if (list) end();
        paragraph.push(line.trim());
      }
    }
    end();
    return out;
  }

  function inline(source) {
    const out = [];
    const parts = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|<(https:\/\/[^\s>]+)>|\[([^\]]+)\]\((https:\/\/[^\s)]+)\)/g;
    let from = 0;
    for (const match of source.matchAll(parts)) {
      out.push(source.slice(from, match.index));
      from = match.index + match[0].length;
      const [, mono, strong, emphasis, bare, label, target] = match;
      if (mono) out.push(el("code", {}, mono));
      else if (strong) out.push(el("strong", {}, strong));
      else if (emphasis) out.push(el("em", {}, emphasis));
      else out.push(el("a", { href: bare ?? target, rel: "noopener noreferrer" }, bare ?? label));
    }
    out.push(source.slice(from));
    return out;
  }

  // ---- set up ----

  function chip(value, title) {
    return el("label", {}, el("input", { type: "checkbox", value }), el("span", {}, title));
  }

  function options(name, title) {
    const counts = new Map();
    const of = SELECTS[name];
    for (const row of rows) {
      const value = of(row);
      if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    let values = [...counts.keys()].sort();
    if (name === "layer") values = about.layers.map((layer) => layer.id).filter((id) => counts.has(id));
    $(name).replaceChildren(el("option", { value: "" }, "All"),
      ...values.map((value) => el("option", { value }, `${title(value)} (${number(counts.get(value))})`)));
    return values.length;
  }

  function setUp() {
    const form = $("filters");
    $("verdicts").append(el("div", { className: "chips" }, about.verdicts.map((verdict) => chip(verdict.id, verdict.title))));
    $("severities").append(el("div", { className: "chips" }, [...about.severities].reverse().map((severity) => chip(severity, severity))));
    const layers = Object.fromEntries(about.layers.map((layer) => [layer.id, layer.title]));
    for (const name of Object.keys(SELECTS)) {
      const found = options(name, (value) => (name === "layer" ? layers[value]
        : name === "account" && about.accounts[value] ? `${value} ${about.accounts[value]}` : value));
      if (name === "change") $("change").parentElement.hidden = found === 0;
    }
    let waiting;
    form.addEventListener("input", (event) => {
      const field = event.target;
      if (field.type === "checkbox") {
        const set = field.closest("fieldset").id === "verdicts" ? state.verdict : state.severity;
        if (field.checked) set.add(field.value);
        else set.delete(field.value);
        filtersChanged();
      } else if (field.id === "q") {
        clearTimeout(waiting);
        waiting = setTimeout(() => {
          state.q = field.value;
          filtersChanged();
        }, 150);
      } else {
        state[field.id] = field.value;
        filtersChanged();
      }
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      reset();
      showFilters();
      filtersChanged();
    });

    $("rows").tHead.rows[0].append(...COLUMNS.map(([name, title]) =>
      el("th", { scope: "col", "data-sort": name }, el("button", { type: "button" }, title))));
    $("rows").tHead.addEventListener("click", (event) => {
      const name = event.target.closest("th")?.dataset.sort;
      if (!name) return;
      state.down = state.sort === name && !state.down;
      state.sort = name;
      state.page = 0;
      refresh();
    });
    $("rows").tBodies[0].addEventListener("click", (event) => {
      const id = event.target.closest("tr")?.dataset.id;
      // A link follows itself; text that is being selected is left alone.
      if (id && !event.target.closest("a") && !String(getSelection())) location.hash = `f=${id}`;
    });
    $("pages").addEventListener("click", (event) => {
      const go = event.target.dataset.go;
      if (!go) return;
      const last = Math.ceil(shown.length / PAGE) - 1;
      state.page = { first: 0, previous: state.page - 1, next: state.page + 1, last }[go];
      draw();
      $("status").scrollIntoView({ block: "nearest" });
    });
    document.querySelector(".matrix")?.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) openCell(button.dataset.service, button.dataset.layer);
    });
    panel.querySelector(".close").addEventListener("click", closePanel);
    for (const button of panel.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => step(Number(button.dataset.step)));
    }
    copies(panel.querySelector(".copy-link"), () => `${location.href.split("#")[0]}#f=${current?.id}`);
    for (const button of document.querySelectorAll(".snippet .copy")) {
      copies(button, () => button.nextElementSibling.textContent);
    }
    document.addEventListener("keydown", (event) => {
      const typing = event.target.matches("input, select, textarea");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/" && !panel.open) {
        event.preventDefault();
        $("q").focus();
      } else if ((event.key === "j" || event.key === "k") && current) {
        step(event.key === "j" ? 1 : -1);
      }
    });
    addEventListener("beforeprint", () => {
      $("rows").tBodies[0].replaceChildren(...shown.slice(0, PRINTED).map(tableRow));
      if (shown.length > PRINTED) $("status").textContent = `The first ${number(PRINTED)} of ${number(shown.length)} findings`;
    });
    addEventListener("afterprint", draw);
    addEventListener("hashchange", () => {
      if (panel.open && !location.hash.includes("f=")) closePanel();
      follow();
    });
    form.hidden = false;
    document.querySelector(".rows").hidden = false;
  }

  function copies(button, what) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      const title = button.textContent;
      try {
        await navigator.clipboard.writeText(what());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = title; }, 1500);
    });
  }

  function theme() {
    const root = document.documentElement;
    const button = $("theme");
    const kept = (value) => {
      try {
        if (value) localStorage.setItem("demarc-theme", value);
        return localStorage.getItem("demarc-theme");
      } catch {
        return null;
      }
    };
    const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    const before = kept();
    if (before === "dark" || before === "light") root.dataset.theme = before;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      kept(root.dataset.theme);
      name();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    name();
    button.hidden = false;
  }

  theme();
  reset();
  setUp();
  showFilters();
  refresh();
  follow();
  document.documentElement.dataset.ready = "yes";
})();
