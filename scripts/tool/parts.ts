/**
 * The parts of the tool as scripts: what esbuild has cut into modules, each of them text that {@link loaderText} runs, so that V8 can
 * be given what it compiled of them before. Node keeps no such thing for modules.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Script } from 'node:vm'
import { transform } from 'esbuild'

const here = 'const hereUrl=require("node:url").pathToFileURL(__filename).href;'

/** Turns the modules in `folder` into scripts, in place. */
export async function turnIntoScripts(folder: string): Promise<void> {
  for (const file of globSync('*.js', { cwd: folder }).map((name) => path.join(folder, name))) {
    const text = readFileSync(file, 'utf8')
    const { code } = await transform(text, {
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      minify: true,
      legalComments: 'none',
      supported: { 'dynamic-import': false },
      ...(text.includes('import.meta.url') && { define: { 'import.meta.url': 'hereUrl' }, banner: here }),
    })
    writeFileSync(file, inAscii(code))
  }
}

/** What esbuild leaves alone are expressions, where escapes mean the same. ASCII takes no time to read. */
function inAscii(code: string): string {
  return code.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const opening = '(function(exports,require,module,__filename,__dirname){'

/** What V8 refuses costs time at each start, and nobody would see it. */
export function demandCode(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const text = readFileSync(path.join(folder, name), 'latin1')
    const cachedData = readFileSync(path.join(folder, `${name}.code`))
    const { cachedDataRejected } = new Script(`${opening}${text}\n})`, { cachedData })
    if (cachedDataRejected !== false) throw new Error(`V8 refuses the code of ${name}`)
  }
}

/** Where the parts are: files beside the loader, or what an executable brings along. */
export type Store = 'files' | 'assets'

const readers = {
  files: `const {readFileSync}=require('node:fs')
const path=require('node:path')
const textOf=(name)=>readFileSync(path.join(__dirname,name),'latin1')
const codeOf=(name)=>readFileSync(path.join(__dirname,name+'.code'))
const placeOf=(name)=>path.join(__dirname,name)`,
  assets: `const {getRawAsset}=require('node:sea')
const textOf=(name)=>Buffer.from(getRawAsset(name)).latin1Slice()
const codeOf=(name)=>new Uint8Array(getRawAsset(name+'.code'))
const placeOf=(name)=>'sigstack:'+name`,
} satisfies Record<Store, string>

/**
 * Loads parts by their names. Those of `rehearsed` have their compiled code beside them, for the Node that made it: another compiles
 * the text, as V8 does under other flags.
 */
export function loaderText(store: Store, rehearsed: readonly string[]): string {
  return `'use strict'
const {Script}=require('node:vm')
${readers[store]}
const isSame=process.version==='${process.version}'&&process.platform+process.arch==='${process.platform}${process.arch}'
const rehearsed=new Set(isSame?${JSON.stringify(rehearsed)}:[])
const parts=new Map()
const requireOf=(name)=>name.startsWith('./')?load(name.slice(2)):require(name)
function load(name){
  const known=parts.get(name)
  if(known!==undefined)return known.module.exports
  const text='${opening}'+textOf(name)+'\\n})'
  const cachedData=rehearsed.has(name)?codeOf(name):undefined
  const script=new Script(text,{filename:placeOf(name),cachedData})
  const module={exports:{}}
  parts.set(name,{script,module})
  script.runInThisContext()(module.exports,requireOf,module,placeOf(name),__dirname)
  return module.exports
}
`
}
