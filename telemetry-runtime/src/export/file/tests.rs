//! Files as they are found on the disk.

use super::*;
use crate::record::Level;
use crate::record::sample::{LogSample, Sample, batch, logs};
use std::fs;

/// A folder of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("telemetry-file-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).expect("a writable folder");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of text")
    }

    /// The names of the spans in each line.
    fn spans(&self, name: &str) -> Vec<Vec<String>> {
        self.read(name).lines().map(span_names).collect()
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.0).expect("a folder");
        let mut names: Vec<_> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn span_names(line: &str) -> Vec<String> {
    let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
    let spans = line["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans");
    spans.iter().map(|span| span["name"].as_str().expect("a name").to_owned()).collect()
}

fn export(file: &mut File, name: &'static str) -> Result<Exported, ExportError> {
    file.export(&batch(&[Sample::root(name, 1)]))
}

#[test]
fn each_signal_has_a_file_of_its_own_with_a_line_a_batch() {
    let folder = Folder::new("signals");
    let mut file = File::new(Target::new(folder.path("traces.jsonl")))
        .and_then(|file| file.with_logs(Target::new(folder.path("logs.jsonl"))))
        .expect("valid paths");
    assert_eq!(Signal::ALL.map(|signal| file.takes(signal)), [true, true]);
    let spans = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
    assert_eq!(file.export(&spans).ok(), Some(Exported::all()));
    assert_eq!(export(&mut file, "c").ok(), Some(Exported::all()));
    assert!(file.export(&logs(&[LogSample::new(Level::Info, 1, "sold")])).is_ok());
    assert_eq!(folder.spans("traces.jsonl"), [vec!["a", "b"], vec!["c"]]);
    let logs = folder.read("logs.jsonl");
    assert!(logs.starts_with("{\"resourceLogs\":") && logs.ends_with("}\n"), "{logs}");
}

#[test]
fn takes_what_it_has_a_file_for() {
    let folder = Folder::new("takes");
    let takes = |file: io::Result<File>| file.map(|file| Signal::ALL.map(|signal| file.takes(signal))).ok();
    assert_eq!(takes(File::new(Target::new(folder.path("a")))), Some([true, false]));
    assert_eq!(takes(File::of_logs(Target::new(folder.path("b")))), Some([false, true]));
    assert_eq!(takes(Ok(File::stdout())), Some([true, true]));
}

#[test]
fn full_files_get_numbers_and_the_oldest_goes() {
    let folder = Folder::new("rotation");
    let target = Target { max_size_bytes: 1, max_files: 3, ..Target::new(folder.path("t")) };
    let mut file = File::new(target).expect("a valid path");
    for name in ["1", "2", "3", "4", "5"] {
        assert!(export(&mut file, name).is_ok());
    }
    assert_eq!(folder.names(), ["t", "t.1", "t.2"]);
    assert_eq!(["t", "t.1", "t.2"].map(|name| folder.spans(name)), [[["5"]], [["4"]], [["3"]]]);
}

#[test]
fn a_file_grows_as_far_as_it_may() {
    let folder = Folder::new("size");
    let path = folder.path("t");
    let mut probe = File::new(Target::new(&path)).expect("a valid path");
    assert!(export(&mut probe, "a").is_ok());
    let line = fs::metadata(&path).expect("a file").len();
    drop(probe);
    let mut file = File::new(Target { max_size_bytes: 2 * line, ..Target::new(path) }).expect("a valid path");
    assert!(export(&mut file, "b").is_ok() && export(&mut file, "c").is_ok());
    assert_eq!(
        (folder.spans("t.1"), folder.spans("t")),
        (vec![vec!["a".into()], vec!["b".into()]], vec![vec!["c".into()]])
    );
}

#[test]
fn a_single_file_is_begun_anew() {
    let folder = Folder::new("single");
    let target = Target { max_size_bytes: 1, max_files: 1, ..Target::new(folder.path("t")) };
    let mut file = File::new(target).expect("a valid path");
    assert!(export(&mut file, "a").is_ok() && export(&mut file, "b").is_ok());
    assert_eq!((folder.names(), folder.spans("t")), (vec!["t".to_owned()], vec![vec!["b".to_owned()]]));
}

#[test]
fn a_check_opens_the_files_though_another_exporter_writes_to_one() {
    let folder = Folder::new("check");
    let target = || Target::new(folder.path("t"));
    let mut busy = File::new(target()).expect("a valid path");
    assert!(export(&mut busy, "a").is_ok());
    let mut file = File::new(target()).expect("a valid path");
    assert!(file.check().is_ok());
    fs::remove_file(folder.path("t"))
        .and_then(|()| fs::create_dir(folder.path("t")))
        .expect("a writable folder");
    let error = file.check().expect_err("a folder").to_string();
    assert!(error.ends_with("t cannot be written to: it is not a regular file"), "{error}");
}

#[test]
fn lines_are_added_to_a_file_that_is_there_after_a_torn_one_is_ended() {
    let folder = Folder::new("torn");
    fs::write(folder.path("t"), "{\"resourceSpans\":[{\"resour").expect("a writable folder");
    for name in ["a", "b"] {
        let mut file = File::new(Target::new(folder.path("t"))).expect("a valid path");
        assert!(export(&mut file, name).is_ok());
    }
    let text = folder.read("t");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "{\"resourceSpans\":[{\"resour");
    assert_eq!([span_names(lines[1]), span_names(lines[2])], [["a"], ["b"]]);
}

#[test]
fn a_file_that_another_exporter_writes_to_is_left_alone_until_that_is_gone() {
    let folder = Folder::new("claimed");
    let open = || File::new(Target::new(folder.path("t"))).expect("a valid path");
    let (mut first, mut second) = (open(), open());
    assert!(export(&mut first, "a").is_ok());
    let error = export(&mut second, "b").expect_err("the file is in use");
    assert!(error.is_retryable() && error.to_string().contains("another exporter writes to it"), "{error}");
    drop(first);
    assert!(export(&mut second, "b").is_ok());
    assert_eq!(folder.spans("t"), [["a"], ["b"]]);
}

#[test]
fn signals_do_not_share_a_file() {
    let folder = Folder::new("shared");
    let spans = File::new(Target::new(folder.path("t"))).expect("a valid path");
    let error = spans.with_logs(Target::new(folder.path("./t"))).expect_err("the spans' file");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().ends_with("t: it is another signal's file already"), "{error}");
    assert!(File::of_logs(Target::new(folder.path("t"))).is_ok());
}

/// Takes some bytes, after which the disk is full.
struct Narrow(usize);

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.min(bytes.len()) {
            0 => Err(io::ErrorKind::StorageFull.into()),
            taken => {
                self.0 -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_standard_output_took_in_part_is_not_repeated() {
    assert!(print(Narrow(4), b"a\nb\n").is_ok());
    let error = print(Narrow(3), b"a\nb\n").expect_err("there is no room");
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().starts_with("standard output cannot be written to: "), "{error}");
}

#[test]
fn paths_that_cannot_be_written_to_are_refused_before_anything_is_exported() {
    let folder = Folder::new("refused");
    for path in [folder.0.clone(), folder.path("no/such/folder"), PathBuf::new()] {
        let error = File::new(Target::new(&path)).expect_err("not a file");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn new_files_are_their_owner_s_alone() {
        let folder = Folder::new("mode");
        let target = Target { max_size_bytes: 1, ..Target::new(folder.path("t")) };
        let mut file = File::new(target).expect("a valid path");
        assert!(export(&mut file, "a").is_ok() && export(&mut file, "b").is_ok());
        for name in ["t", "t.1"] {
            let mode = fs::metadata(folder.path(name)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn symbolic_links_and_devices_are_not_written_to() {
        let folder = Folder::new("links");
        fs::write(folder.path("victim"), "").expect("a writable folder");
        symlink(folder.path("victim"), folder.path("link")).expect("a link");
        for path in [folder.path("link"), PathBuf::from("/dev/null")] {
            let error = File::new(Target::new(path)).expect_err("not a regular file");
            assert!(error.to_string().ends_with("it is not a regular file"), "{error}");
        }
        // What takes the file's place later is refused as well, for good.
        let mut file = File::new(Target::new(folder.path("t"))).expect("a valid path");
        fs::remove_file(folder.path("t")).expect("it was made");
        symlink(folder.path("victim"), folder.path("t")).expect("a link");
        assert!(export(&mut file, "a").is_err_and(|error| !error.is_retryable()));
        assert_eq!(folder.read("victim"), "");
    }

    #[test]
    fn a_file_that_is_removed_is_made_again() {
        let folder = Folder::new("removed");
        let mut file = File::new(Target::new(folder.path("t"))).expect("a valid path");
        assert!(export(&mut file, "a").is_ok());
        fs::remove_file(folder.path("t")).expect("a file");
        assert!(export(&mut file, "b").is_ok());
        assert_eq!(folder.spans("t"), [["b"]]);
    }

    #[test]
    fn a_file_that_is_renamed_is_made_again() {
        let folder = Folder::new("renamed");
        let mut file = File::new(Target::new(folder.path("t"))).expect("a valid path");
        assert!(export(&mut file, "a").is_ok());
        fs::rename(folder.path("t"), folder.path("t-1970")).expect("a file");
        assert!(export(&mut file, "b").is_ok());
        assert_eq!(
            (folder.spans("t-1970"), folder.spans("t")),
            (vec![vec!["a".into()]], vec![vec!["b".into()]])
        );
    }

    #[test]
    fn a_file_that_was_rotated_away_before_it_was_locked_is_left_alone() {
        let folder = Folder::new("late");
        fs::write(folder.path("t"), "").expect("a writable folder");
        let opened = fs::File::open(folder.path("t")).expect("a file");
        fs::rename(folder.path("t"), folder.path("t.1")).expect("a file");
        fs::write(folder.path("t"), "").expect("a writable folder");
        let error = rotating::hold(opened, &folder.path("t")).expect_err("it is t.1 now");
        assert!(failed(Path::new("t"), error).is_retryable());
    }

    /// Set in the process whose files are bounded: where it writes.
    const BOUNDED: &str = "TELEMETRY_FILE_BOUNDED";
    /// Four blocks of the shell's.
    const BOUND_BYTES: usize = 4 * 512;

    /// What that process does: it writes until there is no room, as if the disk were full amid a line.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the process that bounds this one says where to write")]
    fn writes_until_there_is_no_room() {
        let Some(path) = std::env::var_os(BOUNDED) else { return };
        let mut file = File::new(Target::new(path)).expect("a valid path");
        let error =
            (0..100).find_map(|_| export(&mut file, "a").err()).expect("there is no room for so many");
        assert!(error.is_retryable(), "{error}");
    }

    #[test]
    fn what_cannot_be_written_whole_is_taken_back() {
        let folder = Folder::new("whole");
        let mut bounded = std::process::Command::new("sh");
        // Without its signal, a write beyond the bound takes what there is room for, and the next one fails.
        bounded.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"]);
        bounded.arg(std::env::current_exe().expect("this program has a path"));
        bounded.args(["--exact", "export::file::tests::unix::writes_until_there_is_no_room"]);
        let output = bounded.env(BOUNDED, folder.path("t")).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        let written = folder.read("t");
        let line = written.lines().next().expect("a line").len() + 1;
        assert!(written.len().is_multiple_of(line) && written.len() + line > BOUND_BYTES, "{written}");
        assert!(!BOUND_BYTES.is_multiple_of(line), "the bound is amid a line");
        let mut file = File::new(Target::new(folder.path("t"))).expect("a valid path");
        assert!(export(&mut file, "a").is_ok());
        assert!(folder.spans("t").iter().all(|names| *names == ["a"]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_may_have_room_again() {
        let error = rotating::append(
            &fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there"),
            b"a\n",
        );
        let error = failed(Path::new("t"), error.expect_err("it is always full"));
        assert!(error.is_retryable() && error.to_string().starts_with("t cannot be written to: "), "{error}");
    }
}
