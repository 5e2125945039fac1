// One slice view: the picture, the bodies, the VOIs with their handles, and what a hand does there. Lengths in mm.

import {Latest, Refused, ask} from "./server.js";

const SVG = "http://www.w3.org/2000/svg";
export const VIEW_MM = 110;  // a lumbar vertebra and its neighbours
const LEAST_MM = 20, MOST_MM = 600;
const ROOM = 0.5;  // of the way from the middle of a VOI to its nearest handle
const NUDGE_MM = 0.5, SETTLED_MS = 600, PAUSED_MS = 100;
const SIDES = {axial: ["R", "L", "A", "P"], sagittal: ["A", "P", "H", "F"], coronal: ["R", "L", "H", "F"]};
const BESIDE_MM = {sagittal: -30, coronal: -32, axial: 0};

export function element(name, attributes = {}, parent = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

export class View {
  // page: {say, state, frame(), selected, select(level), window, indices(), changed(), drawVois(vois), showNumbers(level, numbers), refuse(sentence)}
  constructor(name, page) {
    this.name = name;
    this.page = page;
    this.index = 0;
    this.center = [0, 0];
    this.extent = VIEW_MM;
    this.root = document.getElementById(name);
    this.svg = element("svg", {tabindex: 0, role: "application"}, this.root);
    this.image = element("image", {preserveAspectRatio: "none"}, this.svg);
    this.bodies = element("g", {class: "bodies"}, this.svg);
    this.names = element("g", {class: "names"}, this.svg);
    this.vois = element("g", {class: "vois"}, this.svg);
    this.title = document.createElement("h2");
    this.slider = document.createElement("input");
    this.slider.type = "range";
    this.root.append(this.title, this.slider);
    SIDES[name].forEach((letter, place) => {
      const side = document.createElement("span");
      side.className = `side side${place}`;
      side.textContent = letter;
      this.root.append(side);
    });
    this.loading = new Latest(() => this.load());
    this.previewing = new Latest((drag) => this.preview(drag));
    this.nudged = null;
    this.listen();
    new ResizeObserver(() => this.frame()).observe(this.svg);
  }

  listen() {
    this.svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey) this.zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15);
      else this.step(event.deltaY > 0 ? 1 : -1);
    }, {passive: false});
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  // -- where it looks

  go(index) {
    const count = this.page.frame().views[this.name].count;
    this.index = Math.min(Math.max(index, 0), count - 1);
    this.slider.max = count - 1;
    this.slider.value = this.index;
    this.svg.dataset.wanted = this.index;
    return this.loading.start();
  }

  // Down the screen: in axial slices to the feet, as readers scroll.
  step(count) {
    return this.go(this.index + (this.name === "axial" ? -count : count));
  }

  look(middle) {
    this.center = middle.at[this.name];
    this.frame();
    return this.go(middle.index[this.name]);
  }

  zoom(factor) {
    this.extent = Math.min(Math.max(this.extent * factor, LEAST_MM), MOST_MM);
    this.frame();
  }

  frame() {
    const {width, height} = this.svg.getBoundingClientRect();
    if (!width || !height) return;
    this.pixel = this.extent / Math.min(width, height);
    const [w, h] = [width * this.pixel, height * this.pixel];
    this.svg.setAttribute("viewBox", `${this.center[0] - w / 2} ${this.center[1] - h / 2} ${w} ${h}`);
    this.svg.style.setProperty("--pixel", this.pixel);
    this.drawNames();
  }

  async load() {
    const index = this.index, along = this.page.frame().along ?? null;
    try {
      const slice = await ask("slice", {case: this.page.number(), view: this.name, index, along, window: this.page.window});
      if (along !== (this.page.frame().along ?? null)) return;  // the views lie otherwise by now: it is asked for anew
      this.along = along;
      this.draw(slice);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.page.tell(error);
    }
  }

  draw(slice) {
    const [x, y, width, height] = slice.box;
    for (const [key, value] of Object.entries({x, y, width, height, href: slice.image})) this.image.setAttribute(key, value);
    this.svg.dataset.index = slice.index;
    const {count} = this.page.frame().views[this.name];
    const level = this.page.frame().middles.find((one) => one.level === this.along)?.name;
    const shown = {view: this.page.say(`web.${this.name}`), index: slice.index + 1, count, level};
    this.title.textContent = this.page.say(this.along ? "web.slice_along" : "web.slice").replace(/\{(\w+)\}/g, (_, key) => shown[key]);
    this.svg.setAttribute("aria-label", this.title.textContent);
    this.bodies.replaceChildren(...slice.bodies.map((body) =>
      element("path", {d: body.path, stroke: body.color, fill: body.color, class: "body", "data-level": body.level})));
    this.inSlice = slice.bodies.map((body) => body.level);
    this.drawNames();
    this.drawVois(slice.vois);
  }

  drawNames() {
    if (!this.page.state?.case) return;
    let shown = this.page.frame().middles;
    if (this.name === "axial") shown = shown.filter((one) => this.inSlice?.includes(one.level));
    // Where the aorta was measured lies beside the column: in the views along it, whatever their slice.
    const aorta = this.name === "axial" ? [] : this.page.frame().aorta.map(({[this.name]: [cx, cy]}) => element("circle", {cx, cy, r: 1, class: "aorta"}));
    this.names.replaceChildren(...aorta, ...shown.map((one) => {
      const [x, y] = one.body[this.name];
      const place = this.name === "axial" ? [this.center[0], y - 28] : [x + BESIDE_MM[this.name], y];
      const made = element("text", {transform: `translate(${place}) scale(${this.pixel ?? 1})`, class: one.level === this.page.selected ? "selected" : ""});
      made.textContent = one.name;
      made.addEventListener("pointerdown", (event) => event.stopPropagation());
      made.addEventListener("click", () => this.page.select(one.level));
      return made;
    }));
  }

  drawVois(vois) {
    this.shown = vois;
    this.vois.replaceChildren(...vois.flatMap((voi) => {
      const isSelected = voi.level === this.page.selected;
      const path = element("path", {
        d: voi.path, stroke: voi.color, class: `voi${voi.excluded ? " excluded" : ""}${isSelected ? " selected" : ""}`,
        "data-level": voi.level,
      });
      return [path, ...(isSelected && !this.page.state.case.signed ? this.handles(voi) : [])];
    }));
  }

  handles(voi) {
    const [x, y] = voi.center;
    const made = voi.handles.flatMap(({size, half, along}) => [-1, 1].map((sign) => element("circle", {
      cx: x + sign * half * along[0], cy: y + sign * half * along[1], class: "handle",
      "data-size": size, "data-level": voi.level,
    })));
    // However large a finger needs them, between them there is room to take the VOI itself.
    const room = ROOM * Math.min(...voi.handles.map(({half, along}) => half * Math.hypot(...along)));
    for (const one of made) one.style.setProperty("--room", `${room}px`);
    return [...made, element("path", {d: `M${x - 1.5},${y}h3M${x},${y - 1.5}v3`, class: "cross"})];
  }

  // -- what a hand does

  point(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [at.x, at.y];
  }

  press(event) {
    if (event.button !== 0 || !this.page.state?.case) return;
    this.svg.focus();
    const {level, size} = event.target.dataset;
    const start = this.point(event);
    const isVoi = level && event.target.closest(".vois") && !this.page.state.case.signed;
    const voi = isVoi && this.shown.find((one) => one.level === level);
    let moved = false;
    const number = this.page.number();
    const origin = [...this.center], client = [event.clientX, event.clientY];
    const follow = (to) => {
      if (Math.hypot(to.clientX - client[0], to.clientY - client[1]) < 3 && !moved) return;
      moved = true;
      if (voi) {
        this.isMoving = this.isHeld = true;
        this.previewing.start(this.dragOf(voi, size, start, this.point(to)));
      } else {
        this.center = [origin[0] - (to.clientX - client[0]) * this.pixel, origin[1] - (to.clientY - client[1]) * this.pixel];
        this.frame();
      }
    };
    const release = (to) => {
      this.svg.removeEventListener("pointermove", follow);
      this.svg.removeEventListener("pointerup", release);
      this.svg.removeEventListener("pointercancel", release);
      this.isHeld = false;
      const isMeant = to.type === "pointerup" && number === this.page.number();
      if (moved && voi && isMeant) this.keep(this.dragOf(voi, size, start, this.point(to)));
      else if (moved && voi) this.restore();
      else if (!moved && isMeant) this.page.click(this.name, start, level);
    };
    if (voi && level !== this.page.selected) this.page.select(level, false);
    this.svg.setPointerCapture(event.pointerId);
    this.svg.addEventListener("pointermove", follow);
    this.svg.addEventListener("pointerup", release);
    this.svg.addEventListener("pointercancel", release);
  }

  // Shows again what is kept, in the place of a drag that was broken off.
  async restore() {
    this.isMoving = false;
    clearTimeout(this.pausing);
    this.previewing.drop();
    await this.previewing.running;
    this.page.showAgain();
  }

  // What a drag asks of the server: a move along the screen's axes, or the size that a handle was pulled to.
  dragOf(voi, size, start, to) {
    const drag = {level: voi.level, view: this.name, along: this.along};
    if (!size) return {...drag, right: to[0] - start[0], down: to[1] - start[1]};
    const {along} = voi.handles.find((one) => one.size === size);
    const length = Math.hypot(...along);
    const half = Math.abs((to[0] - voi.center[0]) * along[0] + (to[1] - voi.center[1]) * along[1]) / length;
    return {...drag, sizes: {[size]: size === "height" ? 2 * half : half}};
  }

  async preview(drag) {
    try {
      const numbers = await ask("drag", {case: this.page.number(), ...drag, at: this.page.indices()});
      this.page.showNumbers(drag.level, numbers);
      this.page.drawVois(numbers.vois);
      clearTimeout(this.pausing);
      if (this.isMoving) this.pausing = setTimeout(() => this.foresee(drag), PAUSED_MS);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.page.tell(error);
    }
  }

  // What would follow from the VOI where it is now: it takes longer than the numbers, which must not wait for it.
  async foresee(drag) {
    try {
      const foreseen = await ask("foresee", {case: this.page.number(), ...drag});
      if (this.isMoving) this.page.showForeseen(drag.level, foreseen);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  // Keeps a move, of the case that it was begun in; what is pressed next waits for it.
  keep(drag) {
    this.isMoving = false;
    clearTimeout(this.pausing);
    document.body.ariaBusy = "true";
    this.previewing.drop();
    const kept = this.moved({case: this.page.number(), ...drag});
    this.keeping = Promise.all([this.keeping, kept]);
    return this.keeping;
  }

  async moved(drag) {
    await this.previewing.running;
    const isKept = await this.page.do("move", drag);
    if (drag.case !== this.page.number()) return;
    if (isKept) this.page.follow(drag.level, this.name);
    else this.page.showAgain();
  }

  key(event) {
    const steps = {ArrowUp: -1, ArrowDown: 1, PageUp: -5, PageDown: 5};
    const right = {ArrowLeft: -NUDGE_MM, ArrowRight: NUDGE_MM}, down = {ArrowUp: -NUDGE_MM, ArrowDown: NUDGE_MM};
    if (event.ctrlKey || event.metaKey) return;
    if (event.altKey && (event.key in right || event.key in down)) this.nudge(right[event.key] ?? 0, down[event.key] ?? 0);
    else if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoom(1 / 1.15);
    else if (event.key === "-") this.zoom(1.15);
    else return;
    event.preventDefault();
  }

  // Moves the selected VOI by keys; kept as one correction when the keys rest.
  nudge(right, down) {
    const level = this.page.selected;
    if (!level || this.page.state.case.signed || !this.page.isMeasured(level)) return;
    const number = this.page.number();
    if (this.nudged && (this.nudged.level !== level || this.nudged.case !== number)) this.settle();
    this.nudged ??= {level, view: this.name, along: this.along, right: 0, down: 0, case: number};
    this.nudged.right += right;
    this.nudged.down += down;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.settle(), SETTLED_MS);
    this.isMoving = true;
    this.previewing.start({...this.nudged});
  }

  async settle() {
    clearTimeout(this.resting);
    const drag = this.nudged;
    this.nudged = null;
    if (drag) this.keep(drag);
    await this.keeping;
  }
}
