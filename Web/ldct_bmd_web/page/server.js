// Requests to the server, one place for what can go wrong: a lost connection, a refusal, another page that was quicker.

export class Refused extends Error {}

let asking = 0;

export async function ask(what, body = {}) {
  document.body.dataset.asking = ++asking;
  try {
    return await answered(what, body);
  } finally {
    document.body.dataset.asking = --asking;
  }
}

async function answered(what, body) {
  let answer;
  try {
    answer = await fetch(`/api/${what}`, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    });
  } catch {
    lost(true);
    throw new Refused("");
  }
  lost(false);
  if (answer.ok) return answer.json();
  const said = await answer.json().catch(() => ({}));
  const refusal = new Refused(said.refused ?? "");
  refusal.state = said.revision === undefined ? undefined : said;
  throw refusal;
}

function lost(isLost) {
  document.getElementById("lost").hidden = !isLost;
}

// Runs one call at a time; while one runs, only the newest of those that wait is kept.
export class Latest {
  constructor(run) {
    this.run = run;
    this.waiting = null;
    this.running = null;
  }

  start(...given) {
    this.waiting = given;
    this.running ??= this.drain();
    return this.running;
  }

  drop() {
    this.waiting = null;
  }

  async drain() {
    try {
      while (this.waiting) {
        const given = this.waiting;
        this.waiting = null;
        await this.run(...given);
      }
    } finally {
      this.running = null;
    }
  }
}
