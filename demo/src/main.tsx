import 'virtual:theme.css';
import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/controls.css';
import './styles/pictures.css';
import './styles/scores.css';
import './styles/states.css';
import './styles/tuning.css';
import './styles/tables.css';
import { render } from 'preact';
import { App } from './app.tsx';

render(<App />, document.getElementById('app')!);
