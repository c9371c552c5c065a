// Connections come over bare TCP handles on every Node that the service supports, and where they cannot the log says so.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertEchoes } from '../support/handshake.js'
import { RawClient } from '../support/raw-client.js'
import { Service } from '../support/service.js'
import { connectionReports, WITHOUT_BARE_HANDLES } from '../support/transport-under-test.js'

const isAboutFallback = ({ msg }: { msg: string }) => /connections go over streams/.test(msg)

/** Four connections over two workers, each of which echoes; and what carried them. */
async function transportsOf(t: { after(hook: () => void): void }, service: Service): Promise<string[]> {
  t.after(() => service.stop())
  await service.listening()
  for (let i = 0; i < 4; i++) {
    const client = await RawClient.open(service.port)
    t.after(() => client.destroy())
    await assertEchoes(client)
  }
  return (await connectionReports(service, 10)).map(({ transport }) => transport)
}

test('plain TCP is served over bare handles, and nothing is said of it', async t => {
  const service = new Service(['--workers', '2'])
  assert.deepEqual(await transportsOf(t, service), Array(4).fill('tcp'))
  assert.deepEqual(service.log.filter(isAboutFallback), [])
})

test('where they cannot be used each worker says so once, as a warning', async t => {
  const service = new Service(['--workers', '2'], WITHOUT_BARE_HANDLES)
  assert.deepEqual(await transportsOf(t, service), Array(4).fill('stream'))
  await service.logged(line => isAboutFallback(line) && line.worker === 1)
  await service.logged(line => isAboutFallback(line) && line.worker === 2)
  const warnings = service.log.filter(isAboutFallback)
  assert.deepEqual(warnings.map(({ level, worker }) => [level, worker]).sort(), [
    [40, 1],
    [40, 2],
  ])
})
