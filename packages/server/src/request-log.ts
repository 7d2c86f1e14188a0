import type { FastifyBaseLogger, FastifyServerOptions } from 'fastify'

/**
 * The logger of a request. Most requests log nothing, and pino's child with all that is struck out costs more than routing, so it is made
 * for the first record.
 */
export const requestLog: NonNullable<FastifyServerOptions['childLoggerFactory']> = (
  parent,
  bindings,
  options,
) => new RequestLog(parent, bindings, options) as FastifyBaseLogger

type Bindings = Parameters<FastifyBaseLogger['child']>[0]
type ChildOptions = NonNullable<Parameters<FastifyBaseLogger['child']>[1]>
type Options = { readonly level?: string }
type Records = Parameters<FastifyBaseLogger['info']>

class RequestLog {
  readonly #parent: FastifyBaseLogger
  readonly #bindings: Bindings
  readonly #options: Options
  #made: FastifyBaseLogger | undefined

  constructor(parent: FastifyBaseLogger, bindings: Bindings, options: Options) {
    this.#parent = parent
    this.#bindings = bindings
    this.#options = options
  }

  get #log(): FastifyBaseLogger {
    this.#made ??= this.#parent.child(this.#bindings, this.#options as ChildOptions)
    return this.#made
  }

  get level(): string {
    return this.#made?.level ?? this.#options.level ?? this.#parent.level
  }
  set level(level: string) {
    this.#log.level = level
  }

  child(...bindings: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#log.child(...bindings)
  }
  silent(): void {}
  trace(...record: Records): void {
    this.#log.trace(...record)
  }
  debug(...record: Records): void {
    this.#log.debug(...record)
  }
  info(...record: Records): void {
    this.#log.info(...record)
  }
  warn(...record: Records): void {
    this.#log.warn(...record)
  }
  error(...record: Records): void {
    this.#log.error(...record)
  }
  fatal(...record: Records): void {
    this.#log.fatal(...record)
  }
}
