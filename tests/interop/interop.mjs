// Our MLS and ts-mls in the same groups, live: members of both kinds create, add, join, update,
// remove, join from outside, mix in PSKs and write to each other, in an order drawn from a seed
// that is printed.  After every commit all members must agree.
//
//     node interop.mjs PEER [--seed N] [--steps N] [--suites 1,2,...] [--largest N]
import { spawn } from "node:child_process";
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

globalThis.crypto ??= webcrypto; // Node 18 has it, but not by that name
const mls = await import("ts-mls");
const { createGroupInfoWithRatchetTree } = await import("ts-mls/createCommit.js");
const { p256, p384, p521 } = await import("@noble/curves/nist.js");

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: String(Date.now() % 1000000) },
    steps: { type: "string", default: "30" },
    suites: { type: "string", default: "1,2,3,4,5,6,7" },
    largest: { type: "string", default: "50" },
  },
});
const seed = Number(flags.seed);
const steps = Number(flags.steps);

// ------------------------------------------------------------------------ small things

function random(from) {
  // mulberry32: a script that can be run again
  let a = from >>> 0;
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));
const text = (s) => new TextEncoder().encode(s);

function decode(message) {
  const read = mls.decodeMlsMessage(bytes(message), 0);
  if (read === undefined) throw new Error("ts-mls cannot read this message");
  if (read[1] !== message.length / 2) throw new Error("ts-mls left bytes over");
  return read[0];
}
const encode = (message) => hex(mls.encodeMlsMessage({ version: "mls10", ...message }));

// ts-mls 1.6.4 makes compressed ECDSA keys, and leaves out the length of an external_pub; RFC 9420
// (5.1.2, 17.1 and 12.4.3.2) wants it otherwise.  Its callers can mend both.
const curves = { 2: p256, 5: p521, 7: p384 };

function vector(content) {
  const head = content.length < 64 ? [content.length] : [0x40 | (content.length >> 8), content.length & 255];
  return new Uint8Array([...head, ...content]);
}

// A key may begin with what looks like its length: only one that is too long has it.
const keySizes = { 1: 32, 2: 65, 3: 32, 4: 56, 5: 133, 6: 56, 7: 97 };

function mended(impl, suite) {
  const importPublicKey = (key) =>
    impl.hpke.importPublicKey(key.length > keySizes[suite] ? key.slice(key.length - keySizes[suite]) : key);
  return { ...impl, hpke: { ...impl.hpke, importPublicKey } };
}

// Everybody's clock, and how long key packages live.
const now = Math.floor(Date.now() / 1000);
const lifetime = { notBefore: BigInt(now - 3600), notAfter: BigInt(now + 86400) };

// -------------------------------------------------------------------- members of ours

class Peer {
  constructor(path) {
    this.process = spawn(path, [], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  async ask(request) {
    this.process.stdin.write(JSON.stringify(request) + "\n");
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the peer ended");
    const reply = JSON.parse(value);
    if (reply.error) {
      throw new Error(`ours, ${request.do} by ${request.who}: ${reply.error} (${reply.text})`);
    }
    return reply;
  }
  end() {
    this.process.stdin.end();
    return new Promise((done) => this.process.on("exit", done));
  }
}

class Ours {
  kind = "ours";
  constructor(world, name) {
    this.world = world;
    this.name = name;
  }
  ask(what, more = {}) {
    return this.world.peer.ask({ do: what, who: this.name, ...more });
  }
  async keyPackage() {
    return (await this.ask("key_package")).key_package;
  }
  create(group) {
    return this.ask("create", { group: hex(group) });
  }
  join(welcome) {
    return this.ask("join", { welcome });
  }
  async joinExternal(groupInfo) {
    return (await this.ask("join_external", { group_info: groupInfo })).commit;
  }
  async commit(changes) {
    const proposals = [
      ...changes.adds.map((data) => ({ kind: "add", data })),
      ...changes.removes.map((leaf) => ({ kind: "remove", leaf })),
      ...changes.psks.map((id) => ({ kind: "psk", data: hex(id) })),
    ];
    const made = await this.ask("commit", { proposals, no_path: changes.noPath });
    await this.ask("merge");
    return made;
  }
  async propose(proposal) {
    return (await this.ask("propose", { proposal })).message;
  }
  async send(data) {
    return (await this.ask("protect", { data: hex(data) })).message;
  }
  async receive(message) {
    const got = await this.ask("receive", { message });
    return got.kind === "data" ? bytes(got.data) : undefined;
  }
  async authenticator() {
    return (await this.ask("look")).authenticator;
  }
  async epoch() {
    return (await this.ask("look")).epoch;
  }
  async exporter(label, context) {
    return (await this.ask("export", { label, context: hex(context), length: 32 })).secret;
  }
  async leaves() {
    return (await this.ask("look")).members;
  }
  async groupInfo() {
    return (await this.ask("group_info")).group_info;
  }
  restart() {
    return this.ask("restart");
  }
}

// ------------------------------------------------------------------ members of theirs

class Theirs {
  kind = "theirs";
  constructor(world, name) {
    this.world = world;
    this.name = name;
  }
  psks() {
    return mls.makePskIndex(this.state, this.world.psks);
  }
  async keyPackage() {
    const { impl, suite } = this.world;
    const keys = await impl.signature.keygen();
    if (curves[suite]) keys.publicKey = curves[suite].getPublicKey(keys.signKey, false);
    this.kp = await mls.generateKeyPackageWithKey(
      { credentialType: "basic", identity: text(this.name) },
      { ...mls.defaultCapabilities(), extensions: [0xf4d1] },
      lifetime,
      [],
      keys,
      impl,
    );
    return encode({ wireformat: "mls_key_package", keyPackage: this.kp.publicPackage });
  }
  async create(group) {
    await this.keyPackage();
    const { publicPackage, privatePackage } = this.kp;
    this.state = await mls.createGroup(group, publicPackage, privatePackage, [], this.world.impl);
  }
  async join(welcome) {
    const message = decode(welcome);
    const { publicPackage, privatePackage } = this.kp;
    this.state = await mls.joinGroup(
      message.welcome,
      publicPackage,
      privatePackage,
      mls.makePskIndex(undefined, this.world.psks),
      this.world.impl,
    );
  }
  async joinExternal(groupInfo) {
    await this.keyPackage();
    const { publicPackage, privatePackage } = this.kp;
    const joined = await mls.joinGroupExternal(
      decode(groupInfo).groupInfo,
      publicPackage,
      privatePackage,
      false,
      mended(this.world.impl, this.world.suite),
    );
    this.state = joined.newState;
    return encode({ wireformat: "mls_public_message", publicMessage: joined.publicMessage });
  }
  async commit(changes) {
    const impl = this.world.impl;
    const extraProposals = [
      ...changes.adds.map((kp) => ({
        proposalType: "add",
        add: { keyPackage: decode(kp).keyPackage },
      })),
      ...changes.removes.map((removed) => ({ proposalType: "remove", remove: { removed } })),
      ...changes.psks.map((pskId) => ({
        proposalType: "psk",
        psk: {
          preSharedKeyId: { psktype: "external", pskId, pskNonce: impl.rng.randomBytes(impl.kdf.size) },
        },
      })),
    ];
    const made = await mls.createCommit(
      { state: this.state, cipherSuite: impl, pskIndex: this.psks() },
      { extraProposals, ratchetTreeExtension: true, wireAsPublicMessage: this.world.inPublic },
    );
    this.state = made.newState;
    return {
      commit: hex(mls.encodeMlsMessage(made.commit)),
      welcome: made.welcome && encode({ wireformat: "mls_welcome", welcome: made.welcome }),
    };
  }
  async propose(proposal) {
    const made = await mls.createProposal(
      this.state,
      this.world.inPublic,
      proposal.kind === "remove"
        ? { proposalType: "remove", remove: { removed: proposal.leaf } }
        : { proposalType: "add", add: { keyPackage: decode(proposal.data).keyPackage } },
      this.world.impl,
    );
    this.state = made.newState;
    return hex(mls.encodeMlsMessage(made.message));
  }
  async send(data) {
    const made = await mls.createApplicationMessage(this.state, data, this.world.impl);
    this.state = made.newState;
    return encode({ wireformat: "mls_private_message", privateMessage: made.privateMessage });
  }
  async receive(message) {
    // Not processMessage(), which forgets the PSKs of private messages.
    const read = decode(message);
    const got =
      read.wireformat === "mls_private_message"
        ? await mls.processPrivateMessage(this.state, read.privateMessage, this.psks(), this.world.impl)
        : await mls.processPublicMessage(this.state, read.publicMessage, this.psks(), this.world.impl);
    this.state = got.newState;
    return got.kind === "applicationMessage" ? got.message : undefined;
  }
  async authenticator() {
    return hex(this.state.keySchedule.epochAuthenticator);
  }
  async epoch() {
    return Number(this.state.groupContext.epoch);
  }
  async exporter(label, context) {
    const secret = this.state.keySchedule.exporterSecret;
    return hex(await mls.mlsExporter(secret, label, context, 32, this.world.impl));
  }
  async groupInfo() {
    const { groupContext, confirmationTag, keySchedule, ratchetTree } = this.state;
    const impl = this.world.impl;
    const pair = await impl.hpke.deriveKeyPair(keySchedule.externalSecret);
    const external = {
      extensionType: "external_pub",
      extensionData: vector(await impl.hpke.exportPublicKey(pair.publicKey)),
    };
    const info = await createGroupInfoWithRatchetTree(
      groupContext, confirmationTag, this.state, ratchetTree, [external], impl);
    return encode({ wireformat: "mls_group_info", groupInfo: info });
  }
  async restart() {}
}

// ------------------------------------------------------------------------- the script

class World {
  constructor(peer, suite, draw) {
    this.peer = peer;
    this.suite = suite;
    this.draw = draw;
    this.members = [];
    this.psks = {};
    this.done = {};
    this.born = 0;
  }
  async begin(inPublic) {
    const name = Object.entries(mls.ciphersuites).find(([, id]) => id === this.suite)[0];
    this.inPublic = inPublic;
    this.impl = await mls.nobleCryptoProvider.getCiphersuiteImpl(mls.getCiphersuiteFromName(name));
    await this.peer.ask({ do: "setup", suite: this.suite, now, public: inPublic });
    const first = this.newMember(this.draw(2) ? "ours" : "theirs");
    await first.create(text(`group ${this.suite} ${seed} ${inPublic}`));
    this.members.push(first);
    await this.add(1, first.kind === "ours" ? "theirs" : "ours");
  }
  newMember(kind) {
    this.born += 1;
    const name = `${kind} ${this.suite}-${this.inPublic ? "public" : "private"}-${this.born}`;
    return kind === "ours" ? new Ours(this, name) : new Theirs(this, name);
  }
  count(what) {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }
  any(...not) {
    const others = this.members.filter((m) => !not.includes(m));
    return others[this.draw(others.length)];
  }
  async leafOf(member) {
    const ours = this.members.find((m) => m.kind === "ours");
    return (await ours.leaves()).find((m) => m.name === member.name).leaf;
  }
  // One commit by `who`, to everybody else; then all must agree.
  async commit(who, changes, gone = []) {
    const made = await who.commit({ adds: [], removes: [], psks: [], ...changes });
    await this.deliver(made.commit, who);
    this.members = this.members.filter((m) => !gone.includes(m));
    return made;
  }
  async deliver(message, from) {
    for (const m of this.members) {
      if (m === from) continue;
      await m.receive(message).catch((error) => {
        error.message = `${m.name} takes from ${from.name}: ${error.message}`;
        throw error;
      });
    }
  }
  async agree(what) {
    const [first, ...rest] = this.members;
    const want = [await first.epoch(), await first.authenticator(), await first.exporter("interop", text(what))];
    for (const m of rest) {
      const got = [await m.epoch(), await m.authenticator(), await m.exporter("interop", text(what))];
      if (JSON.stringify(got) !== JSON.stringify(want))
        throw new Error(`after ${what}: ${m.name} has ${got}, ${first.name} has ${want}`);
    }
  }

  async add(count, kind) {
    const newcomers = [];
    for (let i = 0; i < count; i++) newcomers.push(this.newMember(kind ?? (this.draw(2) ? "ours" : "theirs")));
    const adds = [];
    for (const m of newcomers) adds.push(await m.keyPackage());
    // A commit of nothing but Adds may leave out its path; ours then does so now and then.
    const made = await this.commit(this.any(), { adds, noPath: this.draw(3) === 0 });
    for (const m of newcomers) await m.join(made.welcome);
    this.members.push(...newcomers);
  }
  async update() {
    await this.commit(this.any(), {});
  }
  async remove() {
    const spare = this.members.filter((m) => this.members.filter((o) => o.kind === m.kind).length > 1);
    if (spare.length === 0) return this.update();
    const gone = spare[this.draw(spare.length)];
    await this.commit(this.any(gone), { removes: [await this.leafOf(gone)] }, [gone]);
  }
  async removeByProposal() {
    const spare = this.members.filter((m) => this.members.filter((o) => o.kind === m.kind).length > 1);
    if (spare.length === 0) return this.update();
    const gone = spare[this.draw(spare.length)];
    const proposer = this.any(gone);
    await this.deliver(await proposer.propose({ kind: "remove", leaf: await this.leafOf(gone) }), proposer);
    await this.commit(this.any(gone), {}, [gone]);
  }
  async addByProposal() {
    const proposer = this.any();
    const newcomer = this.newMember(this.draw(2) ? "ours" : "theirs");
    await this.deliver(await proposer.propose({ kind: "add", data: await newcomer.keyPackage() }), proposer);
    const made = await this.commit(this.any(), {});
    await newcomer.join(made.welcome);
    this.members.push(newcomer);
  }
  async updateByProposal() {
    // ts-mls offers no Update of one's own: ours proposes, anybody else commits.
    const ours = this.members.filter((m) => m.kind === "ours");
    const proposer = ours[this.draw(ours.length)];
    await this.deliver(await proposer.propose({ kind: "update" }), proposer);
    await this.commit(this.any(proposer), {});
  }
  async joinExternal() {
    const newcomer = this.newMember(this.draw(2) ? "ours" : "theirs");
    const commit = await newcomer.joinExternal(await this.any().groupInfo());
    await this.deliver(commit, newcomer);
    this.members.push(newcomer);
  }
  async psk() {
    const id = text(`psk ${this.suite} ${this.draw(1 << 30)}`);
    const psk = text(`secret ${this.draw(1 << 30)}`);
    this.psks[Buffer.from(id).toString("base64")] = psk;
    await this.peer.ask({ do: "psk", id: hex(id), psk: hex(psk) });
    await this.commit(this.any(), { psks: [id] });
  }
  async talk() {
    const from = this.any();
    for (const words of ["good evening", "", "x".repeat(1 + this.draw(3000))]) {
      const message = await from.send(text(words));
      for (const m of this.members) {
        if (m === from) continue;
        const got = Buffer.from((await m.receive(message)) ?? [0]).toString();
        if (got !== words) throw new Error(`${m.name} read something else than ${from.name} wrote`);
      }
    }
  }
  async outOfOrder() {
    const from = this.any();
    const messages = [];
    for (let i = 0; i < 4; i++) messages.push(await from.send(text(`number ${i}`)));
    for (const m of this.members) {
      if (m === from) continue;
      for (const i of [2, 0, 3, 1])
        if (Buffer.from(await m.receive(messages[i])).toString() !== `number ${i}`)
          throw new Error(`${m.name} lost a message of ${from.name}`);
    }
  }
  async restart() {
    for (const m of this.members) await m.restart();
  }
  async step(what) {
    await this[what]();
    this.count(what);
    await this.agree(what);
  }
}

const verbs = ["add1", "update", "remove", "removeByProposal", "addByProposal", "updateByProposal",
  "joinExternal", "psk", "talk", "outOfOrder", "restart"];
World.prototype.add1 = function () {
  return this.add(1 + this.draw(2));
};

async function play(suite, inPublic) {
  const peer = new Peer(positionals[0]);
  const world = new World(peer, suite, random(seed * 31 + suite * 2 + (inPublic ? 1 : 0)));
  let at = "begin";
  try {
    await world.begin(inPublic);
    for (let i = 0; i < Math.max(steps, verbs.length); i++) {
      // Each verb once, then whatever is drawn; groups stay small.
      at = i < verbs.length ? verbs[i] : verbs[world.draw(verbs.length)];
      if (world.members.length > 9 && /add|join/i.test(at)) at = "remove";
      await world.step(at);
    }
  } catch (error) {
    error.message = `suite ${suite}, ${inPublic ? "public" : "private"}, at ${at}: ${error.message}`;
    throw error;
  } finally {
    await peer.end();
  }
  const done = Object.entries(world.done).map(([verb, n]) => `${n} ${verb}`).join(", ");
  console.log(`suite ${suite}, ${inPublic ? "public " : "private"} handshakes: ${done}`);
}

async function grow(suite, largest) {
  const peer = new Peer(positionals[0]);
  const world = new World(peer, suite, random(seed));
  await world.begin(false);
  while (world.members.length < largest) {
    await world.add(Math.min(12, largest - world.members.length));
    await world.step("update");
  }
  await world.step("talk");
  await world.step("remove");
  await world.step("joinExternal");
  const ours = world.members.filter((m) => m.kind === "ours").length;
  console.log(`suite ${suite}: a group of ${world.members.length}, ${ours} of them ours`);
  await peer.end();
}

console.log(`seed ${seed}`);
let failed = 0;
const suites = flags.suites.split(",").map(Number);
for (const suite of suites) {
  for (const inPublic of [false, true]) {
    await play(suite, inPublic).catch((error) => {
      failed += 1;
      console.log(error.stack);
    });
  }
}
if (Number(flags.largest) > 2)
  await grow(suites[0], Number(flags.largest)).catch((error) => {
    failed += 1;
    console.log(error.stack);
  });
console.log(`interop: ${failed} of ${suites.length * 2 + 1} scripts failed`);
process.exit(failed === 0 ? 0 : 1);
