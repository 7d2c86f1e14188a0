#!/usr/bin/env node
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { runCli } from './program.ts'

const status = await runCli(process.argv.slice(2), {
  environment: process.env,
  self: [process.execPath, fileURLToPath(import.meta.url)],
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readStandardInput: () => buffer(process.stdin),
})
// A service that could not start has set its own.
if (status !== 0) process.exitCode = status
