// The warning about a limit on open files that is too low, given by the real service under a real limit.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Service } from '../support/service.js'

const warnings = (service: Service) => service.log.filter(({ msg }) => msg.includes('ulimit -n')).map(({ msg }) => msg)

async function start(t: { after: (hook: () => Promise<void>) => void }, ...options: string[]): Promise<Service> {
  const service = new Service(['--workers', '1', ...options], {}, 512)
  t.after(() => service.stop())
  return service.listening()
}

describe('with at most 512 open files', () => {
  it('the service warns and names the number it needs', async t => {
    const service = await start(t, '--max-connections', '10000')
    assert.equal(warnings(service).length, 1)
    assert.match(warnings(service)[0], /\b512 open files\b.*`ulimit -n 10256`/)
  })

  it('there is no warning when fewer connections are allowed', async t => {
    assert.deepEqual(warnings(await start(t, '--max-connections', '256')), [])
  })
})
