import { codeOf } from './io.ts'

/** What a shell reports of a program that ended because nobody read on: 128 and the number of SIGPIPE. */
const brokenPipeStatus = 141

/**
 * Says that `stream` cannot be written to, once, and lets the exit status say it too. A reader that went away, as `head`
 * does, is no fault and gets no words.
 */
export function watchStream(stream: NodeJS.WriteStream, name: string): void {
  let told = false
  stream.on('error', (error) => {
    const code = codeOf(error)
    process.exitCode = code === 'EPIPE' ? brokenPipeStatus : 1
    if (told || code === 'EPIPE') return
    told = true
    if (stream !== process.stderr) process.stderr.write(`Error: cannot write to ${name} (${code})\n`)
  })
}
