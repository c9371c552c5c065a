// As many ws.ts as the first argument says, behind node:cluster and its default distribution.

import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

const workers = Number(process.argv[2])

// Port 0 is the same free port for all workers of a cluster. Each would say so on stdout; it counts once all listen.
cluster.setupPrimary({
  exec: fileURLToPath(new URL('ws.js', import.meta.url)),
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
})
let listening = 0
cluster.on('listening', (_worker, address) => {
  listening++
  if (listening === workers) console.log(`listening ws://127.0.0.1:${address.port}`)
})
for (let worker = 0; worker < workers; worker++) cluster.fork()
