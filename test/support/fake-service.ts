// The primary with workers that only do their part of the IPC contract: every connection gets the worker's pid as its
// first line and is then echoed octet by octet. Settings are the JSON of argv[2]. FAKE_WORKER=refuse makes each worker refuse
// its first hand-over.

import cluster from 'node:cluster'
import { Socket } from 'node:net'
import { receiveHandles } from '../../src/handle-channel.js'
import { type FromWorker, type Handover, monotonicNow, type ToWorker } from '../../src/messages.js'
import { WORKER_GAUGES } from '../../src/metrics/catalogue.js'
import { runPrimary } from '../../src/primary/primary.js'

if (cluster.isWorker) runFakeWorker()
else {
  process.exit(await runPrimary(JSON.parse(process.argv[2])))
}

function runFakeWorker(): void {
  const sockets = new Map<number, Socket>()
  let refusals = process.env.FAKE_WORKER === 'refuse' ? 1 : 0
  let leaving = false

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  receiveHandles(receive)
  process.on('message', (message: ToWorker) => {
    if (message.type === 'start') start()
    else if (message.type === 'revoke') sockets.get(message.id)?.destroy()
    else if (message.type === 'snapshot-request') snapshot(message.question)
    else if (message.type === 'leave') leave(message.when)
  })
  say({ type: 'awake' })

  function start(): void {
    setInterval(() => snapshot(0), 250)
    say({ type: 'ready' })
  }

  function receive({ id, deadline }: Handover, handle: object | undefined): void {
    const socket = handle instanceof Socket ? handle : new Socket({ handle } as object)
    if (refusals-- > 0 || monotonicNow() > deadline) {
      socket.destroy()
      say({ type: 'changes', refused: [id] })
      return
    }
    sockets.set(id, socket)
    say({ type: 'changes', taken: [id] })
    socket.write(`${process.pid}\n`)
    socket
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(id)
        say({ type: 'changes', ended: [id] })
        if (leaving && sockets.size === 0) finish(0)
      })
    socket.pipe(socket)
  }

  function leave(when: 'now' | 'later'): void {
    leaving = true
    if (sockets.size === 0 || when === 'now') finish(sockets.size)
  }

  function finish(cut: number): void {
    snapshot(0)
    process.send?.({ type: 'left', cut, evicted: { closed: 0, failed: 0, refused: 0 } } satisfies FromWorker, () =>
      process.exit(0),
    )
  }

  function snapshot(question: number): void {
    say({ type: 'snapshot', question, deltas: [], gauges: WORKER_GAUGES.map(() => 0) })
  }

  function say(message: FromWorker): void {
    if (process.connected) process.send?.(message)
  }
}
