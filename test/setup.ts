/** In every test file: the adapter that the run began with. Opens nothing. */
import { inject } from 'vitest';

const choice = inject('adapterChoice');
if (choice) process.env['WGRAD_ADAPTER'] ??= choice;
