/**
 * The driver without the variables of the caller's shell. PGSSLMODE, PGOPTIONS, PGHOST and the like, NODE_PG_FORCE_NATIVE and
 * ~/.pgpass were meant for other databases: a connection of ours is what its URL says, and no more.
 */
import { createRequire } from 'node:module'
import type Driver from 'pg'

/** All that begin so: those that libpq and the driver know today, and those that they will. */
const foreign = /^(PG[A-Z]|NODE_PG_)/

/** Hides them until what it gives is called; nothing may be awaited in between. */
function hideForeignVariables(): () => void {
  const hidden = Object.fromEntries(Object.entries(process.env).filter(([name]) => foreign.test(name)))
  for (const name of Object.keys(hidden)) delete process.env[name]
  return () => void Object.assign(process.env, hidden)
}

function load(): typeof Driver {
  const show = hideForeignVariables()
  try {
    // It chooses between its implementations when it is loaded, for which an import would be too early.
    return createRequire(import.meta.url)('pg') as typeof Driver
  } finally {
    show()
  }
}

export const pg = load()

/** The driver's own reads the variables when it is made, and only then. */
export class Client extends pg.Client {
  constructor(config: Driver.ClientConfig = {}) {
    const show = hideForeignVariables()
    try {
      super(config)
    } finally {
      show()
    }
    // Without one the driver would look for it in ~/.pgpass.
    this.password ??= ''
  }
}
