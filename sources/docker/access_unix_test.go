//go:build unix

package docker

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Who may not use the socket is told by what number of group_add he would, and
// following ends instead of trying for ever.
func TestNoPermissionNamesTheGroup(t *testing.T) {
	if host := os.Getenv("SLUICE_TEST_REFUSED"); host != "" { // below, as a user without rights
		err := New(Config{Name: "*", Follow: true, Env: environ("DOCKER_HOST=" + host)}).Run(context.Background(), nil)
		if !errors.Is(err, errPermission) || !strings.Contains(err.Error(), "group_add: [\""+os.Getenv("SLUICE_TEST_GROUP")+"\"]") {
			t.Errorf("error %v", err)
		}
		return
	}
	d := newDaemon()
	host := d.serveUnix(t)
	socket := strings.TrimPrefix(host, "unix://")
	group := "12345"
	if os.Getuid() == 0 {
		if err := os.Chown(socket, 0, 12345); err != nil {
			t.Fatal(err)
		}
	} else {
		group = groupOf(t, socket)
	}
	if err := errors.Join(os.Chmod(socket, 0), os.Chmod(filepath.Dir(socket), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copyOfTest(t, filepath.Dir(socket)), "-test.run=^TestNoPermissionNamesTheGroup$")
	cmd.Env, cmd.Dir = []string{"SLUICE_TEST_REFUSED=" + host, "SLUICE_TEST_GROUP=" + group}, "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// copyOfTest is this program where everybody can run it.
func copyOfTest(t *testing.T, folder string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	path := filepath.Join(folder, "test")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func groupOf(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("stat", "-c", "%g", path).Output()
	if err != nil {
		t.Skip("no stat here")
	}
	return strings.TrimSpace(string(out))
}
