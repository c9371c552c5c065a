// How connections spread over the workers, as the workers themselves count them.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EchoPeer } from '../support/echo-peer.js'
import { sabotage } from '../support/sabotage.js'
import { Service, startService } from '../support/service.js'

const WORKERS = 4

/** Open connections by worker. */
async function connectionsOf(service: Service): Promise<number[]> {
  const metrics = await service.metrics()
  return Array.from({ length: WORKERS }, (_, i) => metrics.get(`echobahn_connections{worker="${i + 1}"}`) ?? Number.NaN)
}

async function openOneByOne(service: Service, count: number): Promise<EchoPeer[]> {
  const peers: EchoPeer[] = []
  for (let i = 0; i < count; i++) peers.push(await EchoPeer.open(service.url))
  return peers
}

/** Closes peers and waits until the primary knows. */
async function close(service: Service, peers: readonly EchoPeer[]): Promise<void> {
  const before = await total(service)
  await Promise.all(peers.map(peer => peer.close()))
  await service.until(
    () => total(service),
    now => now === before - peers.length,
  )
}

async function total(service: Service): Promise<number> {
  return (await service.workers()).reduce((sum, { connections }) => sum + connections, 0)
}

const difference = (now: readonly number[], before: readonly number[]): number[] => now.map((n, i) => n - before[i])

describe('least-connections', () => {
  it('spreads bursts of 20 over 4 workers evenly', async t => {
    const service = await startService(t, '--workers', String(WORKERS))
    // A worker may have 8 hand-overs under way; of more at a time a quicker one gets more.
    for (let burst = 1; burst <= 50; burst++) await EchoPeer.openMany(service.url, 20)
    assert.deepEqual(await connectionsOf(service), [250, 250, 250, 250])
  })

  it('gives new connections to the workers that lost theirs', async t => {
    const service = await startService(t, '--workers', String(WORKERS))
    const peers = await openOneByOne(service, 40)
    assert.deepEqual(await connectionsOf(service), [10, 10, 10, 10])
    // Workers of equal load take turns, so every fourth connection is on the same one.
    const halfOfTwoWorkers = peers.filter((_, i) => i < 20 && i % WORKERS < 2)
    await close(service, halfOfTwoWorkers)
    assert.deepEqual((await connectionsOf(service)).sort(), [10, 10, 5, 5])
    await EchoPeer.openMany(service.url, 10)
    assert.deepEqual(await connectionsOf(service), [10, 10, 10, 10])
  })
})

describe('round-robin', () => {
  it('goes on in turns, whatever the workers hold', async t => {
    const service = await startService(t, '--workers', String(WORKERS), '--distribution', 'round-robin')
    const peers = await openOneByOne(service, 40)
    assert.deepEqual(await connectionsOf(service), [10, 10, 10, 10])
    await close(
      service,
      peers.filter((_, i) => i % WORKERS === 0),
    )
    const before = await connectionsOf(service)
    assert.deepEqual([...before].sort(), [0, 10, 10, 10])
    await EchoPeer.openMany(service.url, 8)
    assert.deepEqual(difference(await connectionsOf(service), before), [2, 2, 2, 2])
  })
})

/** Says it on stderr when a worker's Node acknowledges a handle, which it does only for those that came its own way. */
const TELL_ACKNOWLEDGEMENTS = `
  const send = process._send
  if (cluster.isWorker) process._send = function (message, ...more) {
    if (message.cmd === 'NODE_HANDLE_ACK') process.stderr.write('{"msg":"acknowledged"}\\n')
    return send.call(this, message, ...more)
  }
`

const HANDOVERS = {
  'bare handles go straight into the pipe': { spoil: '', acknowledged: false },
  'bare handles go the way of Node where its pipe is not as expected': {
    spoil: `const { binding } = process
      process.binding = name => { if (name === 'stream_wrap') throw new Error('No such binding'); return binding(name) }`,
    acknowledged: true,
  },
  'sockets are handed over where handles are not as expected': {
    spoil: "Object.defineProperty(process.binding('tcp_wrap').TCP, 'name', { value: 'Strange' })",
    acknowledged: true,
  },
}

describe('the hand-over', () => {
  for (const [what, { spoil, acknowledged }] of Object.entries(HANDOVERS)) {
    it(`${what}, and everybody is served`, async t => {
      const primaryOnly = `if (cluster.isPrimary) { ${spoil} }`
      const options = ['--workers', '2', '--handshake-timeout', '60s']
      const service = new Service(options, sabotage(`${primaryOnly}\n${TELL_ACKNOWLEDGEMENTS}`))
      t.after(() => service.stop())
      await service.listening()
      const peers = await EchoPeer.openMany(service.url, 100)
      await Promise.all(peers.map(peer => peer.echo()))
      const [first, second] = await service.workers()
      assert.equal(first.connections + second.connections, 100)
      assert.ok(first.connections > 0 && second.connections > 0)
      assert.equal(
        service.log.some(({ msg }) => msg === 'acknowledged'),
        acknowledged,
      )
      await close(service, peers)
    })
  }
})
