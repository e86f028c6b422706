//! A disk whose power can be cut: an ext4 in a file, shut down without flushing its journal. What a server wrote and did not
//! sync is gone then, as far as the kernel had not written it by itself; mounting it again replays the journal.

use crate::ChaosError;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Room for a segment of the usual size, the spare one, and one more between two of them. The file is sparse.
const SIZE_BYTES: u64 = 256 << 20;

/// A file that is written when the power goes, and never synced.
const CANARY: &str = "canary";

/// Writes the canary and shuts the file system down: EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. A program without `unsafe`
/// cannot make this system call.
const CUT: &str = r#"
my ($root, $name) = @ARGV;
open(my $disk, "<", $root) or die "$root: $!\n";
open(my $canary, ">", "$root/$name") or die "$name: $!\n";
print $canary "never synced\n";
close($canary) or die "$name: $!\n";
my $flags = pack("L", 2);
ioctl($disk, 0x8004587d, $flags) or die "EXT4_IOC_SHUTDOWN: $!\n";
"#;

/// A mounted disk. It goes away with the value: the mount namespace is that of a process of its own. The file with the ext4 is in
/// memory, since whether the host's disk has it adds nothing but time.
pub struct Disk {
    keeper: Child,
    /// Over this lies the memory, in the keeper's namespace.
    files: TempDir,
}

impl Disk {
    /// A fresh one. Fails with [`ChaosError::NoDisk`] where this host has none whose power can be cut.
    pub fn mount() -> Result<Self, ChaosError> {
        let files = TempDir::with_prefix("seathold-disk-")?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "echo here && exec cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let refused = |said| ChaosError::NoDisk { program: "unshare".to_owned(), said };
        let keeper = command.spawn().map_err(|error| refused(error.to_string()))?;
        let mut disk = Self { keeper, files };
        let mut line = String::new();
        BufReader::new(disk.keeper.stdout.take().expect("it is piped")).read_line(&mut line)?;
        if line != "here\n" {
            return Err(refused("no mount namespace".to_owned()));
        }
        let memory = ["-t", "tmpfs", "none"].map(OsStr::new);
        disk.enter("mount", &[&memory[..], &[disk.files.path().as_os_str()]].concat())?;
        File::create_new(disk.seen(&disk.image()))?.set_len(SIZE_BYTES)?;
        std::fs::create_dir(disk.path())?;
        disk.enter("mkfs.ext4", &["-qF".as_ref(), disk.image().as_os_str()])?;
        disk.switch_on()?;
        // Once before anything rests on it: a host that mounts may still not let the power be cut. Only now, too: while a server
        // writes, the kernel writes the canary with the rest whenever it likes.
        disk.cut_power()?;
        disk.switch_off()?;
        disk.switch_on()?;
        match std::fs::metadata(disk.path().join(CANARY)) {
            Ok(canary) if canary.len() > 0 => {
                Err(ChaosError::NoFault("what was never synced lived through the loss of power".to_owned()))
            }
            _ => Ok(disk),
        }
    }

    /// Its root, as other processes see it.
    pub fn path(&self) -> PathBuf {
        self.seen(&self.root())
    }

    /// Cuts the power: from now on nothing can be read or written.
    pub fn cut_power(&self) -> Result<(), ChaosError> {
        run(Command::new("perl").arg("-e").arg(CUT).arg(self.path()).arg(CANARY))
    }

    /// Unmounts what has no power any more. Nobody may have anything of it open.
    pub fn switch_off(&self) -> Result<(), ChaosError> {
        self.enter("umount", &[self.root().as_os_str()])
    }

    /// Mounts it again, which replays the journal.
    pub fn switch_on(&self) -> Result<(), ChaosError> {
        let (image, root) = (self.image(), self.root());
        self.enter("mount", &["-o".as_ref(), "loop".as_ref(), image.as_os_str(), root.as_os_str()])
    }

    /// Leaves the image behind, unmounted, for whoever wants to look into it. Returns where.
    pub fn keep(mut self) -> Result<PathBuf, ChaosError> {
        self.switch_off()?;
        std::fs::copy(self.seen(&self.image()), self.image())?;
        self.files.disable_cleanup(true);
        Ok(self.image())
    }

    /// Runs a program in the disk's mount namespace.
    fn enter(&self, program: &str, words: &[&OsStr]) -> Result<(), ChaosError> {
        let keeper = self.keeper.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &keeper, program]).args(words);
        run(&mut command)
    }

    /// What the keeper has under a path, as other processes see it.
    fn seen(&self, path: &Path) -> PathBuf {
        let root = Path::new("/proc").join(self.keeper.id().to_string()).join("root");
        root.join(path.strip_prefix("/").expect("folders for temporary files are absolute"))
    }

    fn image(&self) -> PathBuf {
        self.files.path().join("image")
    }

    fn root(&self) -> PathBuf {
        self.files.path().join("root")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // With its last process the namespace goes, and with that the mount and the loop device.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Runs a program, and returns its complaint if it fails.
fn run(command: &mut Command) -> Result<(), ChaosError> {
    let said = match command.output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    Err(ChaosError::NoDisk { program: command.get_program().to_string_lossy().into_owned(), said })
}
