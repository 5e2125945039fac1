// The page: shows the server's state, and asks for what the reader wants. No number is computed here.

import {Latest, Refused, ask} from "./server.js";
import {Solid} from "./solid.js";
import {VIEW_MM, View, element} from "./view.js";

const $ = (id) => document.getElementById(id);
const VIEWS = ["axial", "sagittal", "coronal"];
const WINDOWS = ["bone", "trabecular", "soft"];

const page = {
  state: null,
  selected: null,
  refusals: 0,
  window: "bone",
  tilt: null,
  // Where everything is in the views: along the scan's axes, or along the endplates of a level.
  frame: () => page.tilt ?? page.state.case,
  say: (key) => page.state?.texts[key] ?? "",
  isMeasured: (level) => page.row(level)?.used != null,
  row: (level) => page.state.case.rows.find((one) => one.level === level),
  indices: () => Object.fromEntries(VIEWS.map((name) => [name, views[name].index])),
  number: () => page.state?.case?.number ?? null,
  refuse,
  tell,
  select,
  do: doIt,
  // The views that a VOI was not moved in go to its middle.
  async follow(level, moved) {
    await laying.running;
    const middle = middleOf(level);
    for (const name of VIEWS) if (middle && name !== moved) views[name].go(middle.index[name]);
  },
  showAgain: () => show({...page.state, refused: undefined}),
  drawVois: (shown) => VIEWS.forEach((name) => views[name].drawVois(shown[name])),
  showNumbers(level, numbers) {
    const row = document.querySelector(`#rows tr[data-level="${CSS.escape(level)}"]`);
    if (!row) return;
    row.querySelector(".hu").textContent = numbers.hu;
    row.querySelector(".bmd").textContent = numbers.bmd;
    Object.assign(row.dataset, {hu: numbers.mean_hu, bmd: numbers.bmd_mg_cm3});
  },
  showForeseen(level, foreseen) {
    showAssessment(foreseen.assessment);
    fill($("findings"), foreseen.findings.map(noteOf));
    document.querySelector(`#rows tr[data-level="${CSS.escape(level)}"] .state`).textContent = foreseen.state;
  },
  // A click selects the vertebra that was hit; elsewhere it brings the other views to the point.
  click(name, [x, y], level) {
    if (level) return select(level);
    const step = (view) => page.frame().views[view].step_mm;
    const to = {
      axial: {sagittal: x / step("sagittal"), coronal: y / step("coronal")},
      sagittal: {coronal: x / step("coronal"), axial: -y / step("axial")},
      coronal: {sagittal: x / step("sagittal"), axial: -y / step("axial")},
    }[name];
    for (const [view, index] of Object.entries(to)) views[view].go(Math.round(index));
  },
};
const views = Object.fromEntries(VIEWS.map((name) => [name, new View(name, page)]));
const solid = new Solid($("solid"), page);

// -- asking

async function doIt(what, body = {}) {
  return request("do", {what, ...body});
}

let isAsking = Promise.resolve();

// One change at a time, each on the state that the one before it left, and of the case that was shown when it was asked
// for. Where one is refused, those behind it are not made: the reader has not seen what they would change.
function request(path, body = {}) {
  const {refusals} = page, asked = {case: page.number(), ...body};
  isAsking = isAsking.then(() => {
    if (refusals === page.refusals) return change(path, asked);
    document.body.ariaBusy = "false";
    return false;
  });
  return isAsking;
}

async function change(path, body, sentence = "") {
  refuse(sentence);
  document.body.ariaBusy = "true";
  const isLong = ["sign", "save", "send", "report"].includes(path) || body.what === "unsign";
  $("progress").textContent = isLong ? page.say("web.working") : "";
  try {
    const state = await ask(path, {...body, revision: page.state?.revision});
    show(sentence ? {...state, refused: sentence} : state);
    return true;
  } catch (error) {
    page.refusals += 1;
    if (!(error instanceof Refused)) throw error;
    if (error.state) show(error.state);
    else if (error.message) refuse(error.message);
    return false;
  } finally {
    document.body.ariaBusy = "false";
    $("progress").textContent = "";
  }
}

// Tells why something is not shown; where the server has another case open by now, that is shown.
function tell(error) {
  refuse(error.message);
  if (error.isStale) isAsking = isAsking.then(() => change("state", {}, error.message));
}

function refuse(sentence) {
  $("refused").textContent = sentence;
  $("refused").hidden = !sentence;
}

// -- showing

function show(state) {
  const before = page.state;
  page.state = state;
  document.documentElement.lang = state.language === "zh" ? "zh-Hans" : state.language;
  if (before?.language !== state.language) showTexts();
  if (state.refused !== undefined) refuse(state.refused);
  $("note").textContent = state.note;
  $("note").hidden = !state.note;
  if (document.activeElement !== $("reader")) $("reader").value = state.reader;
  $("reader").readOnly = state.login;
  $("reader").toggleAttribute("aria-invalid", !state.reader);
  showWorklist(state.worklist);
  $("reading").hidden = !state.case;
  $("views").hidden = !state.case;
  $("patient").textContent = state.case ? [...new Set(state.case.patient.map(([, value]) => value))].join(" · ") : "";
  if (state.case) showCase(state.case, before?.case);
}

function showTexts() {
  for (const [name, apply] of Object.entries({
    text: (one, words) => { one.textContent = words; },
    tip: (one, words) => { one.title = words; },
    name: (one, words) => { one.setAttribute("aria-label", words); },
  })) {
    for (const one of document.querySelectorAll(`[data-${name}]`)) apply(one, page.say(one.dataset[name]));
  }
  options($("language"), page.state.languages.map((one) => [one, page.say(`web.language.${one}`)]));
  $("language").value = page.state.language;
  options($("window"), WINDOWS.map((one) => [one, page.say(`web.window.${one}`)]));
  $("window").value = page.window;
  $("report-frame").title = page.say("report_section.preview");
}

function showCase(open, before) {
  const isOther = before?.number !== open.number;
  const levels = open.rows.map((row) => row.level);
  if (isOther || !levels.includes(page.selected)) {
    page.selected = levels.find((level) => page.row(level).used != null) ?? levels[0] ?? null;
  }
  showAssessment(open.assessment);
  showRows(open, isOther);
  showActions();
  fill($("findings"), open.findings.map(noteOf));
  if (isOther || document.activeElement !== $("comment")) $("comment").value = open.comment;
  $("comment").readOnly = open.signed;
  fill($("open-points"), open.open_points.notes.map(noteOf));
  const {errors} = open.open_points;
  if (isOther || String(errors) !== String(before.open_points.errors)) $("seen").checked = false;
  $("seen-label").hidden = !errors.length;
  $("signature").textContent = open.signature;
  $("sign").textContent = page.say(open.signed ? "report_section.unsign" : "panel.signButton.text");
  $("sign-next").hidden = !page.state.worklist || open.signed;
  $("save").disabled = !open.changed;
  $("send").hidden = !page.state.pacs;
  const facts = [...open.patient, ...open.scan, ...open.calibration];
  fill($("facts"), facts.flatMap(([label, value]) => [made("dt", label), made("dd", value)]));
  if (isOther) for (const name of VIEWS) views[name].extent = VIEW_MM;
  lay(isOther);
  solid.show();
  // Who works by keys begins another case in its table, not at the top of the page.
  if (isOther && document.activeElement === document.body) {
    document.querySelector("#rows tr[aria-selected=true]")?.focus({preventScroll: true});
  }
}

// Lays the views as they are wanted and draws them; `looks`: at the selected level.
function lay(looks) {
  page.looks ||= looks;
  if (isPressed("oblique")) return laying.start();
  page.looks ||= page.tilt !== null;
  page.tilt = null;
  place();
}

const laying = new Latest(async () => {
  const level = page.selected, number = page.number();
  try {
    const tilt = await ask("along", {level, case: number});
    if (!isPressed("oblique") || number !== page.number()) return;
    page.looks ||= page.tilt?.along !== tilt.along;
    page.tilt = tilt;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(error);
    press("oblique", false);
    page.looks ||= page.tilt !== null;
    page.tilt = null;
  }
  place();
});

function place() {
  const middle = middleOf(page.selected) ?? page.frame().middles[0];
  for (const name of VIEWS) {
    if (page.looks && middle) views[name].look(middle);
    else views[name].go(views[name].index);
  }
  page.looks = false;
}

function isPressed(id) {
  return $(id).ariaPressed === "true";
}

function press(id, isOn) {
  $(id).ariaPressed = String(isOn);
}

function showAssessment(found) {
  showBar(found.bar);
  $("statement").textContent = found.statement;
  fill($("lines"), found.lines.map((line) => made("p", line)));
}

// T12, L1 and L2 first; the others are folded unless one of them waits for the reader.
function showRows(open, isOther) {
  const others = open.rows.filter((row) => !row.is_target);
  if (isOther) page.unfolded = false;
  page.unfolded ||= others.some((row) => row.is_open || row.level === page.selected);
  const fold = document.createElement("tr");
  const button = made("button", `${page.unfolded ? "\u25be" : "\u25b8"} ${page.say("vertebra_table.others")}`, "fold");
  button.ariaExpanded = String(page.unfolded);
  button.addEventListener("click", () => {
    page.unfolded = !page.unfolded;
    showRows(open, false);
  });
  const cell = document.createElement("td");
  cell.colSpan = 4;
  cell.append(button);
  fold.append(cell, made("td", open.others, "state"));
  const lines = open.rows.filter((row) => row.is_target).map(rowOf);
  if (others.length) lines.push(fold);
  if (page.unfolded) lines.push(...others.map(rowOf));
  fill(document.querySelector("#rows tbody"), lines);
}

function rowOf(row) {
  const line = document.createElement("tr");
  line.tabIndex = row.level === page.selected ? 0 : -1;
  line.dataset.level = row.level;
  line.ariaSelected = String(row.level === page.selected);
  line.classList.toggle("unused", row.used === false);
  line.classList.toggle("open", row.is_open);
  if (row.mean_hu !== null) Object.assign(line.dataset, {hu: row.mean_hu, bmd: row.bmd_mg_cm3});
  line.title = [row.state, ...row.findings].join("\n");
  const name = made("td", row.name, "name");
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = middleOf(row.level)?.color ?? "transparent";
  name.prepend(swatch);
  line.append(name, made("td", row.hu, "hu"), made("td", row.bmd, "bmd"), made("td", row.confidence, "confidence"), made("td", row.state, "state"));
  line.addEventListener("click", () => select(row.level));
  return line;
}

function showActions() {
  const row = page.row(page.selected), can = row?.offers ?? page.state.case.column;
  for (const button of document.querySelectorAll("#actions [data-do]")) {
    button.disabled = !can[button.dataset.do];
    button.hidden = button.disabled && "optional" in button.dataset;
  }
  menu("exclude", "panel.excludeButton.text", Object.entries(page.state.case.reasons), can.exclude);
  const verdicts = Object.entries(row?.grades ?? {});
  verdicts.push(["", page.say("verdict.fracture")]);
  if (can.dismiss) verdicts.push(["dismiss", page.say("verdict.no_fracture")]);
  menu("fracture", "panel.fractureButton.text", verdicts, can.fracture);
  menu("rename", "panel.renameButton.text", can.rename.map((name) => [name, name]), can.rename.length > 0);
  $("reason").hidden = true;
}

// A select that acts: its first entry is its name, and it goes back to it.
function menu(id, key, entries, isOffered) {
  options($(id), [["-", page.say(key)], ...entries]);
  $(id).disabled = !isOffered;
}

function options(select, entries) {
  fill(select, entries.map(([value, words]) => {
    const one = made("option", words);
    one.value = value;
    return one;
  }));
}

function showBar(bar) {
  const width = 400, x = (value) => 14 + Math.min(Math.max(value / bar.limits.at(-1), 0), 1) * (width - 28);
  const parts = [];
  $("bar").classList.toggle("pale", bar.category === null);
  $("bar").style.display = bar.mean === null ? "none" : "";
  if (bar.mean === null) return;
  bar.categories.forEach(([category, word], place) => {
    const [low, high] = [x(bar.limits[place]), x(bar.limits[place + 1])];
    if (!(high > low)) return;
    parts.push(element("rect", {x: low, y: 22, width: high - low, height: 20, class: category}));
    parts.push(label((low + high) / 2, 36, word, "word"));
  });
  for (const limit of bar.limits.slice(1, -1)) parts.push(label(x(limit), 56, String(limit), "mark"));
  const pointer = (value, kind) => element("path", {d: `M${x(value)},22l-6,-7h12z`, class: kind});
  if (bar.automatic !== null && bar.automatic !== bar.mean) parts.push(pointer(bar.automatic, "before"));
  parts.push(pointer(bar.mean, "now"), label(Math.min(Math.max(x(bar.mean), 20), width - 20), 12, bar.value, "value"));
  fill($("bar"), parts);
  $("bar").setAttribute("aria-label", bar.words);
}

function label(x, y, words, kind) {
  const one = element("text", {x, y, class: kind});
  one.textContent = words;
  return one;
}

function showWorklist(list) {
  for (const id of ["worklist-button", "next"]) $(id).hidden = !list;
  if (!list) return;
  $("next").disabled = !list.more;
  $("counts").textContent = list.counts;
  const chosen = $("shown").value || list.shown[0][0];
  options($("shown"), list.shown);
  $("shown").value = chosen;
}

// A list may have thousands of rows: they are asked for when they are looked at.
async function showList() {
  fill($("worklist-rows"), (await ask("rows", {shown: $("shown").value, case: page.number()})).map((row) => {
    const line = document.createElement("tr");
    line.ariaSelected = String(row.is_current);
    line.title = row.reason;
    line.append(...row.cells.map((cell) => made("td", cell)));
    if (row.can_open) {
      line.tabIndex = 0;
      const open = async () => {
        $("worklist").close();
        if (await settled()) await doIt("open", {number: row.number});
      };
      line.addEventListener("click", open);
      line.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
    }
    return line;
  }));
  if (!$("worklist").open) $("worklist").showModal();
}

// -- selecting

function middleOf(level) {
  return page.frame().middles.find((one) => one.level === level);
}

function select(level, looks = true) {
  if (!page.row(level)) return;
  page.selected = level;
  if (!page.row(level).is_target && !page.unfolded) showRows(page.state.case, false);
  for (const row of document.querySelectorAll("#rows tbody tr[data-level]")) {
    row.ariaSelected = String(row.dataset.level === level);
    row.tabIndex = row.dataset.level === level ? 0 : -1;
  }
  showActions();
  if (looks) lay(true);
  for (const name of VIEWS) {
    if (views[name].shown) views[name].drawVois(views[name].shown);
    views[name].drawNames();
  }
  solid.draw();
}

// -- small things

function made(name, words, kind = "") {
  const one = document.createElement(name);
  one.textContent = words;
  one.className = kind;
  return one;
}

function noteOf({severity, text}) {
  return made("p", text, `note ${severity}`);
}

function fill(parent, children) {
  parent.replaceChildren(...children);
}

// Waits for what was begun. False if a VOI is in the reader's hand, or something was refused, or another case came
// meanwhile: what was pressed before that is then not done.
async function settled() {
  const {refusals} = page, number = page.number();
  if (VIEWS.some((name) => views[name].isHeld)) return false;
  await Promise.all(VIEWS.map((name) => views[name].settle()));
  await isAsking;
  return refusals === page.refusals && number === page.number();
}

async function act(what, body = {}) {
  if (!(await settled())) return;
  if (!page.state.reader && what !== "undo" && what !== "redo") return askReader();
  await doIt(what, {level: page.selected, ...body});
}

function askReader() {
  refuse(page.say("reader.question"));
  $("reader").focus();
}

async function sign(next) {
  const signed = page.state.case?.signed;
  if (signed === undefined || !(await settled()) || page.state.case.signed !== signed) return;
  if (!page.state.reader) return askReader();
  if (signed) return doIt("unsign");
  await request("sign", {seen: $("seen").checked ? page.state.case.open_points.errors : [], next});
}

async function report(pdf) {
  if (!(await settled()) || !(await request("report", {pdf}))) return;
  if (pdf) {
    location.assign("/report");  // a download: the page stays
    return;
  }
  $("report-frame").src = "/report";
  $("report").showModal();
}

// -- what the reader presses

function start() {
  const choice = document.createElement("select");
  choice.id = "window";
  choice.dataset.name = "web.window";
  document.querySelector("header").insertBefore(choice, $("outlines"));
  choice.addEventListener("change", () => {
    page.window = choice.value;
    VIEWS.forEach((name) => views[name].go(views[name].index));
  });
  for (const button of document.querySelectorAll("#actions [data-do]")) {
    button.addEventListener("click", () => act(button.dataset.do, button.dataset.steps ? {steps: Number(button.dataset.steps)} : {}));
  }
  $("outlines").addEventListener("click", () => {
    press("outlines", !isPressed("outlines"));
    $("views").classList.toggle("bare", !isPressed("outlines"));
  });
  $("oblique").addEventListener("click", async () => {
    if (!(await settled())) return;
    press("oblique", !isPressed("oblique"));
    lay(true);
  });
  $("solid-button").addEventListener("click", () => {
    press("solid-button", !isPressed("solid-button"));
    $("solid").hidden = !isPressed("solid-button");
    solid.show();
  });
  chosen("exclude", (reason) => {
    if (reason !== "other") return act("exclude", {reason});
    $("reason").hidden = false;
    $("words").focus();
  });
  chosen("fracture", (grade) => grade === "dismiss" ? act("dismiss") : act("fracture", {grade: grade ? Number(grade) : null}));
  chosen("rename", (name) => act("rename", {name}));
  $("reason").addEventListener("submit", async (event) => {
    event.preventDefault();
    await act("exclude", {reason: "other", words: $("words").value});
    $("words").value = "";
  });
  $("reader").addEventListener("change", () => doIt("reader", {reader: $("reader").value}));
  $("language").addEventListener("change", () => doIt("language", {language: $("language").value}));
  $("comment").addEventListener("change", () => doIt("comment", {comment: $("comment").value}));
  $("sign").addEventListener("click", () => sign(false));
  $("sign-next").addEventListener("click", () => sign(true));
  $("save").addEventListener("click", () => settled().then((all) => all && request("save")));
  $("send").addEventListener("click", () => settled().then((all) => all && request("send")));
  $("preview").addEventListener("click", () => report(false));
  $("pdf").addEventListener("click", () => report(true));
  $("next").addEventListener("click", () => settled().then((all) => all && doIt("next")));
  $("worklist-button").addEventListener("click", showList);
  $("shown").addEventListener("change", showList);
  $("rows").addEventListener("keydown", walk);
  document.addEventListener("keydown", shortcut);
  request("state");
}

function chosen(id, then) {
  $(id).addEventListener("change", () => {
    const value = $(id).value;
    $(id).value = "-";
    then(value);
  });
}

function walk(event) {
  const step = {ArrowUp: -1, ArrowDown: 1}[event.key];
  if (!step) return;
  event.preventDefault();
  const rows = [...document.querySelectorAll("#rows tbody tr[data-level]")];
  const row = rows[rows.findIndex((one) => one.dataset.level === page.selected) + step];
  if (!row) return;
  select(row.dataset.level);
  row.focus();
}

function shortcut(event) {
  if (!event.ctrlKey || !event.altKey || !page.state) return;
  const button = {
    KeyZ: document.querySelector('[data-do="undo"]'), KeyY: document.querySelector('[data-do="redo"]'),
    KeyN: $("next"), KeyO: $("outlines"), KeyE: $("oblique"), KeyD: $("solid-button"), KeyS: page.state.worklist ? $("sign-next") : $("sign"),
  }[event.code];
  if (!button || button.disabled || button.hidden) return;
  event.preventDefault();
  // What is being typed is of the case on display.
  if ([$("comment"), $("reader")].includes(document.activeElement)) document.activeElement.blur();
  button.click();
}

start();
