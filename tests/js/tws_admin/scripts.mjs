/** The scripts of the admin pages, for tests that read them. */

import { readdirSync } from 'node:fs';

export const FOLDER = new URL('../../../tws_admin/static/tws_admin/', import.meta.url);

const scripts_in = (folder) =>
  readdirSync(new URL(folder, FOLDER))
    .filter((name) => name.endsWith('.js'))
    .map((name) => folder + name);

export const SCRIPTS = ['./', 'tasks/'].flatMap(scripts_in);
