// The primary in the process of a test: real listeners on free ports, fake workers, and timers that the test moves.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { connect, Server, type Socket } from 'node:net'
import { mock, type TestContext } from 'node:test'
import timers from 'node:timers/promises'
import { runPrimary } from '../../src/primary/primary.js'
import { settingsFor } from './fake-transport.js'
import { type FakeWorker, fakeForks } from './fake-worker.js'

export interface Answer {
  readonly status: number
  readonly body: string
}

interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** What of a listening server Node keeps to itself. */
interface ListeningServer {
  readonly _handle: { onconnection(status: number, handle: undefined): void }
}

const SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGHUP']

type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

export class PrimaryInProcess {
  readonly forked: FakeWorker[]
  readonly exit: Promise<number>
  readonly log: LogLine[] = []
  /** The line on stdout, once it is there. */
  printed = ''
  /** Ends the delay that the primary waits for; undefined while it waits for none. */
  endDelay: (() => void) | undefined
  /** Milliseconds of that delay. */
  delay: number | undefined
  /** Seconds of the monotonic clock. */
  seconds = 1000
  readonly #t: TestContext
  readonly #servers: Server[] = []
  readonly #listeners = new Map<string, ((signal: string) => void)[]>()

  constructor(t: TestContext, ...flags: string[]) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    this.forked = fakeForks()
    const servers = this.#servers
    const { listen } = Server.prototype
    mock.method(Server.prototype, 'listen', function (this: Server, ...given: unknown[]) {
      servers.push(this)
      return Reflect.apply(listen, this, given)
    })
    this.#readOutput()
    this.#keepClock()
    this.#takeSignals()
    const local = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0']
    this.exit = runPrimary(settingsFor(...local, ...flags))
    this.exit.catch(() => {})
    t.after(() => this.#end())
  }

  /** Resolves once it listens, and has forked its workers. */
  async listening(workers: number): Promise<void> {
    while (this.forked.length < workers) await new Promise(setImmediate)
  }

  /** The same, with all workers ready. */
  async serving(workers = 2): Promise<void> {
    await this.listening(workers)
    for (const worker of this.forked) worker.getReady()
    while (this.printed === '') await new Promise(setImmediate)
  }

  signal(signal: Signal): void {
    for (const listener of this.#listeners.get(signal) ?? []) listener(signal)
  }

  /** A client's connection; resolves when it is accepted by a worker's hand-over. */
  async connect(): Promise<{ client: Socket; worker: FakeWorker; id: number }> {
    const before = this.#handovers().length
    const client = connect(this.#port(0), '127.0.0.1')
    client.on('error', () => {})
    this.#t.after(() => client.destroy())
    await once(client, 'connect')
    while (this.#handovers().length === before) await new Promise(setImmediate)
    const { worker, id } = this.#handovers().reduce((newest, each) => (each.id > newest.id ? each : newest))
    return { client, worker, id }
  }

  /** Says this for the worker, and lets what comes of it come. */
  async ask(path: string, method = 'GET', body?: string): Promise<Answer> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const asked = request({ port: this.#port(1), host: '127.0.0.1', path, method, headers, agent: false })
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of answer) text += chunk
    return { status: answer.statusCode ?? 0, body: text }
  }

  /** The system fails to accept a connection, of clients or of the admin server. */
  failAccept(of: 'clients' | 'admin', error: number): void {
    const { _handle: handle } = this.#servers[of === 'clients' ? 0 : 1] as unknown as ListeningServer
    handle.onconnection(error, undefined)
  }

  get adminPort(): number {
    return this.#port(1)
  }

  /** What a question of this type, asked by whom asks `path`, is answered with by each worker. */
  async gathered(
    path: string,
    type: string,
    answer: (question: number, worker: FakeWorker) => object,
  ): Promise<Answer> {
    // Answers that cost something have a rest between them.
    this.#t.mock.timers.tick(5000)
    const before = this.forked.map(({ sent }) => sent.length)
    const answered = this.ask(path)
    const asked = () =>
      this.forked.map(
        ({ sent }, i) =>
          sent.slice(before[i]).find(message => message.type === type) as { question: number } | undefined,
      )
    while (asked().some(message => message === undefined)) await new Promise(setImmediate)
    for (const [i, message] of asked().entries())
      this.forked[i].say({ type: 'unknown', ...answer(message?.question ?? 0, this.forked[i]) } as never)
    return answered
  }

  /** Texts of the log, from the first line of this level on. */
  texts(level: number): string[] {
    return this.log.filter(line => line.level === level).map(({ msg }) => msg)
  }

  #handovers(): { worker: FakeWorker; id: number }[] {
    return this.forked.flatMap(worker =>
      (worker.sent as { type: string; id: number }[]).flatMap(({ type, id }) =>
        type === 'handover' ? [{ worker, id }] : [],
      ),
    )
  }

  #port(index: number): number {
    const address = this.#servers[index].address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  #readOutput(): void {
    const { write } = process.stdout
    mock.method(process.stdout, 'write', (text: string, ...rest: []) => {
      if (!String(text).startsWith('listening ')) return write.call(process.stdout, text, ...rest)
      this.printed = text
      return true
    })
    const { writeSync } = fs
    mock.method(fs, 'writeSync', (fd: number, octets: Buffer, ...rest: []) => {
      if (fd !== 2) return writeSync(fd, octets, ...rest)
      this.log.push(
        ...String(octets)
          .trim()
          .split('\n')
          .map(line => JSON.parse(line)),
      )
      return octets.length
    })
    mock.method(timers, 'setTimeout', (delay: number) => {
      this.delay = delay
      return new Promise<void>(resolve => {
        this.endDelay = resolve
      })
    })
    syncBuiltinESMExports()
  }

  /** Those of the system still end this process. */
  #takeSignals(): void {
    const { on } = process
    mock.method(process, 'on', (event: string, listener: (signal: string) => void) => {
      if (!SIGNALS.includes(event)) return Reflect.apply(on, process, [event, listener])
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
      return process
    })
  }

  #keepClock(): void {
    const { bigint } = process.hrtime
    const hrtime = Object.assign(() => [this.seconds, 0], { bigint })
    mock.method(process, 'hrtime', hrtime)
    Object.assign(process.hrtime, { bigint })
  }

  async #end(): Promise<void> {
    for (const server of this.#servers) {
      server.close()
      ;(server as Server & { closeAllConnections?(): void }).closeAllConnections?.()
    }
    mock.restoreAll()
    syncBuiltinESMExports()
  }
}
