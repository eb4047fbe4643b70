import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigRenderOptions;
import java.io.File;
import java.io.PrintStream;
import java.util.Arrays;

/**
 * Reads `main.conf` of every folder below the one given, as Lightbend's library does, and prints one line for each:
 * name, tab, `ok` or `error`, tab, the resolved file as JSON or the message. One run of the JVM for all of them.
 */
public class Oracle {
  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, false, "UTF-8");
    File[] folders = new File(arguments[0]).listFiles(File::isDirectory);
    Arrays.sort(folders);
    for (File folder : folders) {
      String answer;
      try {
        Config config = ConfigFactory.parseFile(new File(folder, "main.conf")).resolve();
        answer = "ok\t" + config.root().render(ConfigRenderOptions.concise());
      } catch (Throwable e) {
        String message = e.getClass().getSimpleName();
        answer = "error\t" + message;
      }
      out.println(folder.getName() + "\t" + answer);
    }
    out.flush();
  }
}
