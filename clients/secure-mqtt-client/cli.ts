#!/usr/bin/env node
import { runCommand, standardOutput } from '../cli/command.ts'
import { programName, secureMqttClient } from './command.ts'

process.exitCode = await runCommand(secureMqttClient, process.argv.slice(2), standardOutput, programName)
