// The bodies and VOIs in 3D, drawn here pixel by pixel: no graphics card is needed, and none is asked for. Lengths in mm.

import {Latest, Refused, ask} from "./server.js";

const FROM = [-0.35, -0.93, 0.1];  // where the eye is, in LPS: in front, a little to the patient's right
const TURN = 0.01, KEY_TURN = 0.15;  // radians for a pixel, and for a key
const BESIDE_MM = 38, MARGIN_MM = 30;
const VOI_PART = 0.6;  // of the colour of a pixel behind which a VOI lies
const DARK = 0.3;  // of a face that is seen from the side

export class Solid {
  // page: {say, state, selected, select(level), number(), refuse(sentence)}
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.title = document.createElement("h2");
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    root.append(this.canvas, this.title);
    this.made = new Map();
    this.loading = new Latest(() => this.load());
    this.reset();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  reset() {
    this.turn = Math.atan2(FROM[0], -FROM[1]);
    this.rise = Math.asin(FROM[2] / Math.hypot(...FROM));
    this.zoom = 1;
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.go(0, 0, event.deltaY > 0 ? 1 / 1.15 : 1.15);
    }, {passive: false});
    this.canvas.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
      if (event.ctrlKey || event.altKey || event.metaKey || (!step && !"+-".includes(event.key))) return;
      event.preventDefault();
      if (step) this.go(step[0] * KEY_TURN, step[1] * KEY_TURN, 1);
      else this.go(0, 0, event.key === "+" ? 1.15 : 1 / 1.15);
    });
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.focus();
    let [x, y] = [event.clientX, event.clientY], moved = false;
    const follow = (to) => {
      if (!moved && Math.hypot(to.clientX - x, to.clientY - y) < 3) return;
      moved = true;
      this.go((to.clientX - x) * TURN, (to.clientY - y) * TURN, 1);
      [x, y] = [to.clientX, to.clientY];
    };
    const release = (to) => {
      this.canvas.removeEventListener("pointermove", follow);
      this.canvas.removeEventListener("pointerup", release);
      this.canvas.removeEventListener("pointercancel", release);
      const level = moved || to.type !== "pointerup" ? null : this.levelAt(to.offsetX, to.offsetY);
      if (level) this.page.select(level);
    };
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointermove", follow);
    this.canvas.addEventListener("pointerup", release);
    this.canvas.addEventListener("pointercancel", release);
  }

  go(turn, rise, zoom) {
    this.turn -= turn;
    this.rise = Math.min(Math.max(this.rise + rise, -Math.PI / 2), Math.PI / 2);
    this.zoom = Math.min(Math.max(this.zoom * zoom, 0.5), 8);
    this.draw();
  }

  // Shows what the state has, if the view is open; asks for what is not here yet.
  show() {
    this.title.textContent = this.page.say("web.solid");
    this.canvas.setAttribute("aria-label", this.page.say("web.solid_label"));
    if (!this.root.hidden && this.page.state?.case) this.loading.start();
  }

  async load() {
    const number = this.page.number();
    if (number !== this.number) {
      this.made.clear();
      this.reset();
    }
    try {
      const found = await ask("surfaces", {known: [...this.made.keys()]});
      if (number !== this.page.number()) return;  // another case: it is asked for anew
      this.number = number;
      for (const [key, packed] of Object.entries(found.made)) this.made.set(key, unpacked(packed));
      this.bodies = found.bodies.map((body) => ({...body, ...this.made.get(body.key)}));
      this.vois = found.vois.map((voi) => ({...voi, ...unpacked(voi)}));
      this.draw();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.page.refuse(error.message);
    }
  }

  draw() {
    if (this.root.hidden || !this.bodies || this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.render();
    });
  }

  render() {
    const {clientWidth: width, clientHeight: height} = this.canvas;
    if (!width || !height || this.number !== this.page.number()) return;
    Object.assign(this.canvas, {width, height});
    const camera = this.camera(width, height);
    const bodies = new Picture(width, height), vois = new Picture(width, height);
    this.bodies.forEach((body, place) => bodies.add(body, place + 1, camera));
    this.vois.forEach((voi, place) => vois.add(voi, place + 1, camera));
    const context = this.canvas.getContext("2d"), image = context.createImageData(width, height);
    this.paint(image.data, bodies, vois, width);
    context.putImageData(image, 0, 0);
    this.write(context, camera);
    this.hit = bodies.what;
    this.canvas.dataset.drawn = Number(this.canvas.dataset.drawn ?? 0) + 1;
  }

  // Rows: to the right, down, and towards the eye; what they are of is in the middle of the canvas.
  camera(width, height) {
    const [st, ct, sr, cr] = [Math.sin(this.turn), Math.cos(this.turn), Math.sin(this.rise), Math.cos(this.rise)];
    const right = [ct, st, 0], eye = [cr * st, -cr * ct, sr], up = [-sr * st, sr * ct, cr];
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (const {middle} of this.bodies) {
      for (let k = 0; k < 3; k++) {
        low[k] = Math.min(low[k], middle[k]);
        high[k] = Math.max(high[k], middle[k]);
      }
    }
    const center = low.map((one, k) => (one + high[k]) / 2);
    const extent = Math.max(...high.map((one, k) => one - low[k])) + 2 * MARGIN_MM;
    return {right, up, eye, center, scale: this.zoom * Math.min(width, height) / extent, x: width / 2, y: height / 2};
  }

  paint(pixels, bodies, vois, width) {
    const colors = [this.bodies, this.vois].map((all) => all.map(({color}) => rgb(color)));
    const selected = 1 + this.bodies.findIndex(({level}) => level === this.page.selected);
    for (let at = 0; at < bodies.what.length; at++) {
      const body = bodies.what[at], voi = vois.what[at];
      const to = 4 * at;
      pixels[to + 3] = 255;
      if (!body) continue;
      const isEdge = body === selected && (bodies.what[at + 1] !== selected || bodies.what[at + width] !== selected);
      for (let k = 0; k < 3; k++) {
        let value = colors[0][body - 1][k] * bodies.light[at];
        if (voi) value += VOI_PART * (pale(colors[1][voi - 1][k]) * vois.light[at] - value);
        pixels[to + k] = isEdge ? 255 : value;
      }
    }
  }

  write(context, camera) {
    context.font = "14px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    for (const {level, middle} of this.bodies) {
      const name = this.page.state.case.middles.find((one) => one.level === level)?.name ?? "";
      const [x, y] = project(middle, camera);
      context.font = `${level === this.page.selected ? "bold " : ""}14px system-ui, sans-serif`;
      context.strokeStyle = "#000";
      context.strokeText(name, x - BESIDE_MM * camera.scale, y);
      context.fillStyle = "#fff";
      context.fillText(name, x - BESIDE_MM * camera.scale, y);
    }
  }

  levelAt(x, y) {
    const place = this.hit?.[Math.floor(y) * this.canvas.width + Math.floor(x)];
    return place ? this.bodies[place - 1].level : null;
  }
}

// What is seen at each pixel, and how light it is: of what lies nearest to the eye.
class Picture {
  constructor(width, height) {
    Object.assign(this, {width, height});
    this.what = new Uint8Array(width * height);
    this.light = new Float32Array(width * height);
    this.near = new Float32Array(width * height).fill(-Infinity);
  }

  add({points, triangles, normals}, what, camera) {
    const count = points.length / 3, x = new Float32Array(count), y = new Float32Array(count);
    const z = new Float32Array(count), light = new Float32Array(count);
    const {eye} = camera;
    for (let i = 0, j = 0; i < count; i++, j += 3) {
      [x[i], y[i], z[i]] = project(points.subarray(j, j + 3), camera);
      light[i] = DARK + (1 - DARK) * Math.max(0, normals[j] * eye[0] + normals[j + 1] * eye[1] + normals[j + 2] * eye[2]);
    }
    for (let t = 0; t < triangles.length; t += 3) this.fill(what, triangles[t], triangles[t + 1], triangles[t + 2], x, y, z, light);
  }

  fill(what, a, b, c, x, y, z, light) {
    const area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a]);
    if (area >= 0) return;  // seen from behind: y runs down
    const left = Math.max(0, Math.ceil(Math.min(x[a], x[b], x[c])));
    const right = Math.min(this.width - 1, Math.floor(Math.max(x[a], x[b], x[c])));
    const top = Math.max(0, Math.ceil(Math.min(y[a], y[b], y[c])));
    const bottom = Math.min(this.height - 1, Math.floor(Math.max(y[a], y[b], y[c])));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const u = ((x[c] - x[b]) * (row - y[b]) - (column - x[b]) * (y[c] - y[b])) / area;
        const v = ((x[a] - x[c]) * (row - y[c]) - (column - x[c]) * (y[a] - y[c])) / area;
        const w = 1 - u - v;
        if (u < 0 || v < 0 || w < 0) continue;
        const at = row * this.width + column, near = u * z[a] + v * z[b] + w * z[c];
        if (near <= this.near[at]) continue;
        this.near[at] = near;
        this.what[at] = what;
        this.light[at] = u * light[a] + v * light[b] + w * light[c];
      }
    }
  }
}

function project(point, {right, up, eye, center, scale, x, y}) {
  const [a, b, c] = [point[0] - center[0], point[1] - center[1], point[2] - center[2]];
  return [
    x + scale * (a * right[0] + b * right[1] + c * right[2]),
    y - scale * (a * up[0] + b * up[1] + c * up[2]),
    a * eye[0] + b * eye[1] + c * eye[2],
  ];
}

// A surface as the server packs it, with the normals of its points.
function unpacked(packed) {
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer;
  const points = new Float32Array(bytes(packed.points)), triangles = new Uint32Array(bytes(packed.triangles));
  const normals = new Float32Array(points.length), middle = [0, 0, 0];
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
    const p = [0, 1, 2].map((k) => points[b + k] - points[a + k]), q = [0, 1, 2].map((k) => points[c + k] - points[a + k]);
    for (let k = 0; k < 3; k++) {
      const i = (k + 1) % 3, j = (k + 2) % 3, part = p[i] * q[j] - p[j] * q[i];
      for (const at of [a, b, c]) normals[at + k] += part;
    }
  }
  for (let at = 0; at < points.length; at += 3) {
    const length = Math.hypot(normals[at], normals[at + 1], normals[at + 2]) || 1;
    for (let k = 0; k < 3; k++) {
      normals[at + k] /= length;
      middle[k] += 3 * points[at + k] / points.length;
    }
  }
  return {points, triangles, normals, middle};
}

function pale(part) {
  return (part + 255) / 2;
}

function rgb(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}
