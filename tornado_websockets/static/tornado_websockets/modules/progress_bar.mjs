/** ES module of the progress bar: `import { ModuleProgressBar } from '…/modules/progress_bar.mjs'`. */
import './progress_bar.js';

export const { ModuleProgressBar } = globalThis;
export const { EngineHtml5, EngineBootstrap } = ModuleProgressBar;
