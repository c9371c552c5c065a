// As many ws.ts as the first argument says, behind node:cluster and its default distribution. Further ones are those of ws.ts.

import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

const [workers, ...args] = process.argv.slice(2)

// Port 0 is the same free port for all workers of a cluster. Each would say so on stdout; it counts once all listen.
cluster.setupPrimary({
  exec: fileURLToPath(new URL('ws.js', import.meta.url)),
  args,
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
})
let listening = 0
cluster.on('listening', (_worker, address) => {
  listening++
  const scheme = args.length === 0 ? 'ws' : 'wss'
  if (listening === Number(workers)) console.log(`listening ${scheme}://127.0.0.1:${address.port}`)
})
for (let worker = 0; worker < Number(workers); worker++) cluster.fork()
