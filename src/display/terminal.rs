//! The one writer: lines to the streams, a frame that is drawn over, and questions.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::{SystemTime, UNIX_EPOCH};

use console::Term;

use super::annotation::{self, Annotation};
use super::events::{Ending, EventStream, JsonEvent};
use super::line::Line;
use super::outputs::for_screen;
use super::select::Select;
use super::style::ColorChoice;

/// The smallest window: smaller ones are drawn as if they were this large.
const SMALLEST: (usize, usize) = (40, 8);

/// The most errors, and the most warnings, that GitHub shows of one step.
const MOST_ANNOTATIONS: usize = 10;

/// The CI system whose log takes orders from what is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogCommands {
    Ignored,
    GitHub,
    GitLab,
}

impl LogCommands {
    fn from_environment() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| value == "true");
        if set("GITHUB_ACTIONS") {
            Self::GitHub
        } else if set("GITLAB_CI") {
            Self::GitLab
        } else {
            Self::Ignored
        }
    }
}

/// A part of the log that a CI system folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Preview,
    Progress,
    Outputs,
}

/// Standard output and standard error, with what they can do.
pub struct Terminal {
    out: Term,
    is_terminal: bool,
    /// `COLUMNS`, for output that goes elsewhere than to a terminal.
    columns: Option<usize>,
    colour_out: bool,
    colour_err: bool,
    /// The widths of the lines of the frame that stands on the screen.
    frame: Vec<usize>,
    cursor_hidden: bool,
    log_commands: LogCommands,
    /// The CI system that folds sections. In a file that a script has asked for, the marks would be in the way.
    folding: LogCommands,
    /// The section that was begun and not yet ended.
    section: Option<Section>,
    /// The events of the run, if standard output is theirs.
    events: EventStream,
}

impl Terminal {
    pub fn new(choice: ColorChoice) -> Self {
        let variable = |name: &str| std::env::var_os(name);
        let is_terminal = io::stdout().is_terminal();
        let log_commands = LogCommands::from_environment();
        let colour_out = choice.applies(is_terminal, &variable);
        let colour_err = choice.applies(io::stderr().is_terminal(), &variable);
        Self {
            out: Term::stdout(),
            is_terminal,
            columns: std::env::var("COLUMNS")
                .ok()
                .and_then(|columns| columns.parse().ok()),
            colour_out,
            colour_err,
            frame: Vec::new(),
            cursor_hidden: false,
            log_commands,
            folding: if is_file(&io::stdout()) {
                LogCommands::Ignored
            } else {
                log_commands
            },
            section: None,
            events: EventStream::off(),
        }
    }

    /// The same, for a run whose events may have been asked for: standard output then carries them, and nothing else.
    /// All text for people goes to standard error.
    #[must_use]
    pub fn with_events(mut self, events: &EventStream) -> Self {
        self.events = events.clone();
        if events.is_on() {
            self.is_terminal = false;
            self.colour_out = self.colour_err;
            self.folding = self.log_commands;
        }
        self
    }

    /// Begins the events of a run.
    pub fn begin_events(&self, events: &EventStream, command: &str) {
        events.begin(command, &mut io::stdout().lock());
    }

    /// Returns whether standard output carries events.
    pub fn streams(&self) -> bool {
        self.events.is_on()
    }

    /// The stream of events of this run.
    pub fn events(&self) -> &EventStream {
        &self.events
    }

    /// Writes an event, if events were asked for.
    pub fn event(&mut self, event: &JsonEvent) {
        self.events.send(event, &mut io::stdout().lock());
    }

    /// Writes the last event, if events were asked for.
    ///
    /// # Errors
    /// Events that could not be written.
    pub fn end_events(&mut self, ending: Ending) -> io::Result<()> {
        self.events.end(ending, &mut io::stdout().lock())
    }

    /// The stream that text for people goes to.
    fn for_people(&self) -> Box<dyn Write> {
        if self.streams() {
            Box::new(io::stderr().lock())
        } else {
            Box::new(io::stdout().lock())
        }
    }

    /// Returns whether standard output is coloured.
    pub fn colours(&self) -> bool {
        self.colour_out
    }

    /// Returns whether standard error is coloured, for text that other renderers make.
    pub fn colours_errors(&self) -> bool {
        self.colour_err
    }

    /// Columns; `None` where nothing limits them.
    pub fn width(&self) -> Option<usize> {
        if self.is_terminal {
            let (_, columns) = self.out.size_checked()?;
            Some(usize::from(columns).max(SMALLEST.0))
        } else if self.streams() && io::stderr().is_terminal() {
            let (_, columns) = Term::stderr().size_checked()?;
            Some(usize::from(columns).max(SMALLEST.0))
        } else {
            self.columns.map(|columns| columns.max(SMALLEST.0))
        }
    }

    /// Columns and rows for a frame.
    pub fn window(&self) -> (usize, usize) {
        let (rows, columns) = self.out.size();
        (
            usize::from(columns).max(SMALLEST.0),
            usize::from(rows).max(SMALLEST.1),
        )
    }

    /// Writes lines for people: to standard output, unless that carries events.
    pub fn print(&mut self, lines: &[Line]) {
        self.clear_frame();
        write(&mut self.for_people(), &text(lines, self.colour_out));
    }

    /// Writes lines to standard error.
    pub fn report(&mut self, lines: &[Line]) {
        self.clear_frame();
        write(&mut io::stderr().lock(), &text(lines, self.colour_err));
    }

    /// Begins a section of standard output under its title.
    pub fn begin(&mut self, section: Section, title: &Line) {
        self.end();
        let plain = title.render(false);
        match self.folding {
            LogCommands::Ignored => self.print(std::slice::from_ref(title)),
            LogCommands::GitHub => {
                let group = annotation::group(plain.trim_end_matches(':'));
                self.order(&mut self.for_people(), &format!("{group}\n"));
            }
            LogCommands::GitLab => {
                let mark = section_mark("start", section);
                let title = title.render(self.colour_out);
                self.order(&mut self.for_people(), &format!("{mark}{title}\n"));
            }
        }
        self.section = Some(section);
    }

    /// Ends the section that was begun, if one was.
    pub fn end(&mut self) {
        let Some(section) = self.section.take() else {
            return;
        };
        let mark = match self.folding {
            LogCommands::Ignored => return,
            LogCommands::GitHub => annotation::END_GROUP.to_owned(),
            LogCommands::GitLab => section_mark("end", section),
        };
        self.order(&mut self.for_people(), &format!("{mark}\n"));
    }

    /// Shows errors and warnings beside the run, where there is a CI system that does so.
    pub fn annotate(&mut self, annotations: &[Annotation]) {
        if self.log_commands != LogCommands::GitHub {
            return;
        }
        for annotation in annotations.iter().take(MOST_ANNOTATIONS) {
            let command = annotation.command();
            // Not among the data of a script.
            self.order(&mut io::stderr().lock(), &format!("{command}\n"));
        }
    }

    /// Writes an order for a CI system.
    fn order(&mut self, stream: &mut dyn Write, text: &str) {
        self.clear_frame();
        write(stream, text);
    }

    /// Writes a report that another renderer has made, from sanitised text, to standard error.
    pub fn report_rendered(&mut self, text: &str) {
        self.clear_frame();
        write(&mut io::stderr().lock(), text);
    }

    /// Writes data to standard output: as it is to a pipe, harmless to a terminal.
    ///
    /// # Errors
    /// Data that could not be written, because a script must not take part of it for all. A reader that has seen
    /// enough is no error.
    pub fn data(&mut self, text: &str) -> io::Result<()> {
        self.clear_frame();
        let text = if self.is_terminal {
            for_screen(text)
        } else {
            text.to_owned()
        };
        let text = if text.ends_with('\n') {
            text
        } else {
            text + "\n"
        };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Draws a frame over the one before it, in a single write.
    pub fn draw(&mut self, frame: &[Line]) {
        let (columns, rows) = self.window();
        let mut text = String::new();
        if !self.cursor_hidden {
            text.push_str("\u{1b}[?25l");
            self.cursor_hidden = true;
        }
        // Terminals that know it show the frame at once; the others ignore it.
        text.push_str("\u{1b}[?2026h");
        text.push_str(&self.to_frame_start());
        self.frame.clear();
        // The last column and row stay free: writing there makes some terminals scroll.
        for line in frame.iter().take(rows - 1) {
            let line = line.clone().cut(columns - 1);
            self.frame.push(line.width());
            text.push_str(&line.render(self.colour_out));
            text.push_str("\u{1b}[K\n");
        }
        text.push_str("\u{1b}[J\u{1b}[?2026l");
        write(&mut io::stdout().lock(), &text);
    }

    /// Takes the frame off the screen.
    pub fn clear_frame(&mut self) {
        let mut text = String::new();
        let lines = self.frame_lines();
        if lines > 0 {
            // Line by line, because some terminals keep what is erased at once in their history.
            text.push_str(&self.to_frame_start());
            text.push_str(&"\u{1b}[2K\n".repeat(lines));
            text.push_str(&self.to_frame_start());
            self.frame.clear();
        }
        if self.cursor_hidden {
            text.push_str("\u{1b}[?25h");
            self.cursor_hidden = false;
        }
        if !text.is_empty() {
            write(&mut io::stdout().lock(), &text);
        }
    }

    /// The sequence that moves the cursor to where the frame begins.
    fn to_frame_start(&self) -> String {
        match self.frame_lines() {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\r"),
        }
    }

    /// The number of lines that the frame takes on the screen: a window that has become narrower has broken them.
    fn frame_lines(&self) -> usize {
        let (columns, rows) = self.window();
        let lines = self
            .frame
            .iter()
            .map(|width| width.div_ceil(columns).max(1));
        lines.sum::<usize>().min(rows - 1)
    }

    /// Leaves a line on which a question was broken off, with the cursor that the question may have hidden.
    pub fn leave_question(&mut self) {
        if self.is_terminal {
            write(&mut io::stdout().lock(), "\u{1b}[?25h\n");
        }
    }

    /// A line that says what is being waited for, until something else is written.
    pub fn status(&mut self, line: Line) {
        if self.is_terminal {
            self.draw(&[line]);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.clear_frame();
        self.end();
    }
}

/// Returns whether a stream goes to a file; false if that is not known.
fn is_file(stream: &impl AsFd) -> bool {
    let stream = stream.as_fd().try_clone_to_owned();
    let metadata = stream.and_then(|stream| File::from(stream).metadata());
    metadata.is_ok_and(|metadata| metadata.is_file())
}

/// The mark of GitLab at which a section begins or ends; its name is to be the only one in the log of a job.
fn section_mark(what: &str, section: Section) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let name = format!("{section:?}").to_lowercase();
    let process = std::process::id();
    format!("\u{1b}[0Ksection_{what}:{now}:fde_infra_{process}_{name}\r\u{1b}[0K")
}

/// Lets the user choose. `None` if the user has left the question, pressed Ctrl-C, or the terminal went away.
pub fn choose(question: &str, choices: &[&str], default: usize, colour: bool) -> Option<usize> {
    Select::new(question, choices, default).ask(&Term::stdout(), colour)
}

/// Asks for a line of text. `None` at the end of the input.
pub fn ask(prompt: &Line, colour: bool) -> Option<String> {
    write(&mut io::stdout().lock(), &prompt.render(colour));
    write(&mut io::stdout().lock(), " ");
    let mut answer = String::new();
    match io::stdin().read_line(&mut answer) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(answer.trim().to_owned()),
    }
}

fn text(lines: &[Line], colour: bool) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.render(colour));
        text.push('\n');
    }
    text
}

/// Writes to a person. A reader that has gone away is no reason to stop what is under way.
fn write(stream: &mut dyn Write, text: &str) {
    let _ = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush());
}
