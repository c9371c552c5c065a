// Makes processes of the service fail from within, by way of modules that Node loads before the program (--import).

/** An environment in which each process of the service first runs `code`, an ES module that knows `cluster`. */
export function sabotage(code: string): Record<string, string> {
  const module = `import cluster from 'node:cluster'\n${code}`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}` }
}
