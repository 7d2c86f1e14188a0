declare module '@hapi/sntp' {
  /** `t`: how far the server is ahead of this machine, in milliseconds. */
  export function time(options: {
    readonly host: string
    readonly port: number
    readonly timeout: number
  }): Promise<{ readonly t: number }>
}
